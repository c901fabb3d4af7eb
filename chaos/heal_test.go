package chaos

import (
	"testing"
	"time"
)

func TestLatestOf(t *testing.T) {
	for name, test := range map[string]struct{ recovered, suffered, lasted, held, want time.Duration }{
		"a pod came back":                             {recovered: 8, held: 9, want: 8},
		"its client suffered longer":                  {recovered: 8, suffered: 10, held: 11, want: 10},
		"only its client suffered":                    {suffered: 10, held: 11, want: 10},
		"nothing tells of anything":                   {held: 11, want: 11},
		"a stray request failed while a fault lasted": {suffered: 2, lasted: 20, held: 21, want: 21},
		"nothing did while a fault lasted":            {lasted: 20, held: 21, want: 21},
		"all came back before the end of the fault":   {recovered: 8, suffered: 9, lasted: 20, held: 21, want: 20},
		"and after it":                                {recovered: 30, suffered: 31, lasted: 20, held: 33, want: 31},
	} {
		if got := latestOf(test.recovered, test.suffered, test.lasted, test.held); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
