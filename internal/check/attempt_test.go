package check

import (
	"context"
	"errors"
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
