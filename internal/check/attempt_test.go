package check

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A try that hangs is cut and tried again, also where its error, which is
// then that of the cut, counts as permanent: an eviction that the API server
// holds back for ten seconds goes through the next time.
func TestWaitTriesAgainAfterAHungTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		tries := 0
		hung := Func("it goes", func(ctx context.Context) error {
			if tries++; tries > 1 {
				return nil
			}
			<-ctx.Done()
			return Permanent(ctx.Err())
		})
		if err := Wait(ctx, hung, time.Second, nil); err != nil || tries != 2 {
			t.Errorf("%d tries, %v", tries, err)
		}

		tries = 0
		boom := errors.New("boom")
		wrong := Func("it goes", func(context.Context) error { tries++; return Permanent(boom) })
		if err := Wait(ctx, wrong, time.Second, nil); !errors.Is(err, boom) || tries != 1 {
			t.Errorf("%d tries, %v", tries, err)
		}
	})
}

// What is slow is asked less often; one slow answer alone, of something that was
// starting, delays nothing.
func TestWaitSparesWhatIsSlow(t *testing.T) {
	const quick, slow = time.Millisecond, 400 * time.Millisecond
	for name, test := range map[string]struct{ took, pauses []time.Duration }{
		"all quick":       {[]time.Duration{quick, quick, quick}, []time.Duration{50 * time.Millisecond, 50 * time.Millisecond}},
		"one slow":        {[]time.Duration{quick, slow, quick, quick}, []time.Duration{50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond}},
		"two slow":        {[]time.Duration{slow, slow, slow}, []time.Duration{50 * time.Millisecond, 4 * slow}},
		"slow for ever":   {[]time.Duration{3 * slow, 3 * slow, slow}, []time.Duration{50 * time.Millisecond, 2 * time.Second}},
		"quick once more": {[]time.Duration{slow, slow, quick, quick}, []time.Duration{50 * time.Millisecond, 4 * slow, 50 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var pauses []time.Duration
				ended := time.Now()
				try := 0
				err := Wait(t.Context(), Func("it goes", func(context.Context) error {
					if try > 0 {
						pauses = append(pauses, time.Since(ended))
					}
					time.Sleep(test.took[try])
					ended = time.Now()
					if try++; try < len(test.took) {
						return errors.New("not yet")
					}
					return nil
				}), 50*time.Millisecond, nil)
				if err != nil || !slices.Equal(pauses, test.pauses) {
					t.Errorf("pauses %v, want %v; %v", pauses, test.pauses, err)
				}
			})
		})
	}
}
