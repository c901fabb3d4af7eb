package cluster

import (
	"testing"
	"time"
)

func TestLeasesApart(t *testing.T) {
	at := func(seconds float64) time.Time {
		return time.Unix(1_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
	}
	for name, test := range map[string]struct{ one, other, want float64 }{
		"together":                     {3, 3, 0},
		"two seconds ahead":            {1, 3, 2},
		"two seconds behind":           {3, 1, 8},
		"ahead, one renewal ago":       {1, 13, 2},
		"behind, seen a renewal later": {13, 1, 8},
	} {
		if got := leasesApart(at(test.one), at(test.other)).Seconds(); got != test.want {
			t.Errorf("%s: %v s, want %v", name, got, test.want)
		}
	}
}
