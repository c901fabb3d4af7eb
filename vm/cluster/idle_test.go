package cluster

import (
	"testing"
	"time"
)

func TestSignsOfLife(t *testing.T) {
	resumed := time.Unix(1_000_000, 0)
	at := func(seconds int) time.Time { return resumed.Add(time.Duration(seconds) * time.Second) }
	for name, test := range map[string]struct {
		looks []int // stamps that are found, one look after another
		want  bool  // at the last
	}{
		"from before the resume":                {[]int{-3600, -3600, -3600}, false},
		"with a clock that is right":            {[]int{1}, true},
		"with a clock not yet set, between two": {[]int{-3600, -3600, -3590}, true},
		"the same, and not seen again":          {[]int{-3600, -3590, -3590}, true},
		"before the first look, clock not set":  {[]int{-3590, -3590}, false}, // cannot be told from one before
	} {
		signs := signsOfLife{resumed: resumed}
		shown := false
		for _, stamp := range test.looks {
			signs.shown("other", at(-7))
			shown = signs.shown("node", at(stamp))
		}
		if shown != test.want {
			t.Errorf("%s: %v", name, shown)
		}
	}
}
