package probe

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Summary is the client's view of a run from one instant on. Instants are
// counted from it; a failure's instant is when its request was sent.
type Summary struct {
	URL         string         `json:"url"`
	Loop        Loop           `json:"loop"`
	Interval    time.Duration  `json:"intervalNs"`
	Rate        float64        `json:"ratePerSecond"` // of the requests that have ended; an open loop asks for one each interval
	Sent        int            `json:"sent"`
	Failed      int            `json:"failed"`
	FailedShare float64        `json:"failedShare"` // 0 to 1
	Failures    map[string]int `json:"failures,omitempty"`

	// FirstFailure and LastFailure are nil where nothing failed.
	FirstFailure *time.Duration `json:"firstFailureNs,omitempty"`
	LastFailure  *time.Duration `json:"lastFailureNs,omitempty"`

	// LongestGap is the longest time without a good answer: between the
	// arrivals of two of them, or before the first, or after the last.
	LongestGap time.Duration `json:"longestGapNs"`

	// Median and P99 are of the time to a good answer.
	Median time.Duration `json:"medianNs,omitempty"`
	P99    time.Duration `json:"p99Ns,omitempty"`
}

// Summarize sums up the requests that were sent in [from, to].
func Summarize(s Settings, requests []Request, from, to time.Time) Summary {
	sum := Summary{URL: s.URL, Loop: cmp.Or(s.Loop, Open), Interval: s.Interval, Failures: map[string]int{}}
	var took []time.Duration
	var arrivals []time.Time
	for _, r := range requests {
		if r.Sent.Before(from) || r.Sent.After(to) {
			continue
		}
		sum.Sent++
		if r.Fail == "" {
			took = append(took, r.Took)
			arrivals = append(arrivals, r.Sent.Add(r.Took))
			continue
		}
		sum.Failed++
		sum.Failures[r.Fail]++
		at := r.Sent.Sub(from)
		if sum.FirstFailure == nil || at < *sum.FirstFailure {
			sum.FirstFailure = &at
		}
		if sum.LastFailure == nil || at > *sum.LastFailure {
			sum.LastFailure = &at
		}
	}
	if sum.Sent > 0 {
		sum.FailedShare = float64(sum.Failed) / float64(sum.Sent)
		sum.Rate = float64(sum.Sent) / to.Sub(from).Seconds()
	}
	sum.LongestGap = longestGap(arrivals, from, to)
	if len(took) > 0 {
		slices.Sort(took)
		sum.Median, sum.P99 = Median(took), Rank(took, 0.99)
	}
	return sum
}

// Pace says how the requests were sent, and how many that were.
func (s Summary) Pace() string {
	if s.Loop == Closed {
		return fmt.Sprintf("%s after each answer, %.1f a second", s.Interval, s.Rate)
	}
	if s.Rate == 0 { // of an older axolotl, or nothing was sent
		return fmt.Sprintf("every %s", s.Interval)
	}
	return fmt.Sprintf("every %s, %.1f of %.1f a second", s.Interval, s.Rate, 1/s.Interval.Seconds())
}

func longestGap(arrivals []time.Time, from, to time.Time) time.Duration {
	slices.SortFunc(arrivals, time.Time.Compare)
	var longest time.Duration
	last := from
	for _, a := range append(arrivals, to) {
		longest = max(longest, a.Sub(last))
		if a.After(last) {
			last = a
		}
	}
	return longest
}

// Median is the middle of sorted durations: of an even number the mean of the two
// in the middle.
func Median(sorted []time.Duration) time.Duration {
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Rank is the nearest-rank percentile of sorted values.
func Rank[T cmp.Ordered](values []T, share float64) T {
	i := int(share*float64(len(values))+0.999999) - 1
	return values[min(max(i, 0), len(values)-1)]
}
