package chaos

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/history"
)

// noisy are n times about a median, skewed as times to heal are.
func noisy(r *rand.Rand, n int, about time.Duration) []time.Duration {
	var all []time.Duration
	for range n {
		share := 0.95 + 0.05*r.ExpFloat64()
		all = append(all, time.Duration(share*float64(about)))
	}
	return all
}

func TestShiftIsFoundWhereItIs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	times := append(noisy(r, 33, 8*time.Second), noisy(r, 40, 12*time.Second)...)
	times = append(times, noisy(r, 30, 6*time.Second)...)
	shifts := shiftsOf(times, DefaultWindow)
	if len(shifts) != 2 {
		t.Fatalf("%d shifts, want 2: %+v", len(shifts), shifts)
	}
	for i, want := range []struct {
		index  int
		slower bool
	}{{33, true}, {73, false}} {
		s := shifts[i]
		if s.index != want.index || s.Slower != want.slower || s.P > shiftLevel {
			t.Errorf("got %+v, want %+v", s, want)
		}
	}
}

// The rule stays silent where there is nothing, also over many runs: it is
// asked at each of them.
func TestShiftsOfNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	alarms := 0
	const series = 100
	for range series {
		// Twice as noisy, so that the share of the median keeps little out.
		var times []time.Duration
		for range 60 {
			times = append(times, time.Duration(float64(8*time.Second)*(0.5+0.5*r.ExpFloat64())))
		}
		alarms += min(len(shiftsOf(times, DefaultWindow)), 1)
	}
	if alarms > series*4/100 {
		t.Errorf("alarms in %d of %d series without a change", alarms, series)
	}
	same := make([]time.Duration, 100)
	if shifts := shiftsOf(same, DefaultWindow); len(shifts) != 0 {
		t.Errorf("of equal times: %+v", shifts)
	}
	// Sure, but too little to matter.
	little := append(noisy(r, 20, 8000*time.Millisecond), noisy(r, 20, 8100*time.Millisecond)...)
	for i := range little {
		little[i] = 8*time.Second + time.Duration(i/20)*100*time.Millisecond + time.Duration(i)
	}
	if shifts := shiftsOf(little, DefaultWindow); len(shifts) != 0 {
		t.Errorf("of one per cent: %+v", shifts)
	}
	if shifts := shiftsOf([]time.Duration{1, 2, 3}, DefaultWindow); len(shifts) != 0 {
		t.Errorf("of three times: %+v", shifts)
	}
}

// The least window is one with which something can be told, and the next
// smaller one is not.
func TestMinWindow(t *testing.T) {
	for n, want := range map[int]int{MinWindow: 1, MinWindow - 1: 0} {
		var times []time.Duration
		for i := range 2 * n {
			times = append(times, time.Duration(i/n*10+10)*time.Second+time.Duration(i))
		}
		if shifts := shiftsOf(times, n); len(shifts) != want {
			t.Errorf("window %d: %+v, want %d", n, shifts, want)
		}
	}
}

// trendRuns are runs on following days: n that take about a, then n about b.
func trendRuns(driver string, n int, a, b time.Duration) []history.Run {
	var runs []history.Run
	for i := range 2 * n {
		took := a + time.Duration(i%n)*10*time.Millisecond
		if i >= n {
			took += b - a
		}
		p := &Report{
			ID: fmt.Sprintf("%s-%02d", driver, i), Experiment: "pod-deletion", Driver: driver, Simulated: driver == "local",
			Started: someDay.AddDate(0, 0, i), Verdict: Healed, HealedAfter: &took,
		}
		if i == 2*n-1 {
			p.Verdict = HealedLate
		}
		row, _, err := rowOf(p)
		if err != nil {
			panic(err)
		}
		runs = append(runs, row)
	}
	return runs
}

func TestTrend(t *testing.T) {
	runs := trendRuns("libvirt", 12, 8*time.Second, 12*time.Second)
	aborted := runs[3]
	aborted.Verdict, aborted.ID = string(Aborted), "aborted"
	runs = append(runs, aborted)
	runs = append(runs, trendRuns("local", 2, time.Second, time.Second)...)
	all := TrendsOf(runs, 10)
	if len(all) != 2 {
		t.Fatalf("%d trends, want one of each driver", len(all))
	}
	var out strings.Builder
	for _, trend := range all {
		if err := trend.Draw(&out); err != nil {
			t.Fatal(err)
		}
	}
	const want = `experiment pod-deletion (driver libvirt), 24 run(s) in windows of 10: median and 95th percentile, in seconds

FROM             2026-11-24   2026-11-28    2026-12-08
healed in time   4 of 4       10 of 10      9 of 10
healed after     8.02  8.03   8.09  12.01   12.06  12.11

SLOWER  healed after since run libvirt-12 (2026-12-06T22:20:27Z): median 8.06 s before, 12.0 s from it on (+49 %, p = 1.1e-05)
experiment pod-deletion (driver local), 4 run(s) in windows of 10: median and 95th percentile, in seconds   SIMULATED: no container ran

FROM             2026-11-24
healed in time   3 of 4
healed after     1.00  1.01

too few runs to tell whether anything became slower: it takes 20, there are 4
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if none := TrendsOf([]history.Run{aborted}, 10); none == nil || len(none) != 0 {
		t.Errorf("of a run that tells nothing: %v", none)
	}
}
