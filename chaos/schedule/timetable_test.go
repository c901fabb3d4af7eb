package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// added is when the schedules of these tests were.
var added = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// timetable is that of a schedule with these lines beside the usual ones.
func timetable(t *testing.T, lines string) *Timetable {
	t.Helper()
	s, err := Parse("s.yaml", []byte("kind: Schedule\nname: s\nexperiment: pod-deletion\n"+lines), added)
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.Timetable(added)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	i, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// starts shows firings as their starts in the schedule's zone.
func starts(firings []Firing) string {
	var all []string
	for _, f := range firings {
		text := f.Start.Format("01-02 15:04 MST")
		if f.Quiet != "" {
			text += " quiet"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// TestClockChanges: in Madrid the clocks go from 02:00 to 03:00 on 2026-03-29
// and from 03:00 to 02:00 on 2026-10-25; on Lord Howe by half an hour; in
// Havana at midnight.
func TestClockChanges(t *testing.T) {
	const madrid, howe, havana = "zone: Europe/Madrid\n", "zone: Australia/Lord_Howe\n", "zone: America/Havana\n"
	tests := map[string]struct{ lines, after, want string }{
		"an hour that does not come": {`cron: "30 2 * * *"` + "\n" + madrid, "2026-03-28T00:00:00Z",
			"03-28 02:30 CET, 03-29 03:00 CEST, 03-30 02:30 CEST"},
		"more than one firing in it is one": {`cron: "0,30 2 * * *"` + "\n" + madrid, "2026-03-28T12:00:00Z",
			"03-29 03:00 CEST, 03-30 02:00 CEST, 03-30 02:30 CEST"},
		"and those after it": {`cron: "30 2,3 * * *"` + "\n" + madrid, "2026-03-28T12:00:00Z",
			"03-29 03:00 CEST, 03-29 03:30 CEST, 03-30 02:30 CEST"},
		"an hour that comes twice": {`cron: "30 2 * * *"` + "\n" + madrid, "2026-10-24T12:00:00Z",
			"10-25 02:30 CEST, 10-26 02:30 CET, 10-27 02:30 CET"},
		"asked for between the two": {`cron: "30 2 * * *"` + "\n" + madrid, "2026-10-25T01:10:00Z",
			"10-26 02:30 CET, 10-27 02:30 CET, 10-28 02:30 CET"},
		"every hour goes by elapsed time": {`cron: "0 * * * *"` + "\n" + madrid, "2026-10-24T23:30:00Z",
			"10-25 02:00 CEST, 10-25 02:00 CET, 10-25 03:00 CET"},
		"every hour leaves out the one that is not there": {`cron: "0 * * * *"` + "\n" + madrid, "2026-03-29T00:30:00Z",
			"03-29 03:00 CEST, 03-29 04:00 CEST, 03-29 05:00 CEST"},
		"an interval": {`cron: "@every 90m"` + "\n" + madrid, "2026-03-28T23:00:00Z",
			"03-29 01:00 CET, 03-29 03:30 CEST, 03-29 05:00 CEST"},
		"an interval, back": {`cron: "@every 90m"` + "\n" + madrid, "2026-10-24T23:30:00Z",
			"10-25 02:00 CEST, 10-25 02:30 CET, 10-25 04:00 CET"},
		"half an hour twice": {`cron: "45 1 * * *"` + "\n" + howe, "2026-04-04T10:00:00Z",
			"04-05 01:45 +11, 04-06 01:45 +1030, 04-07 01:45 +1030"},
		"half an hour that does not come": {`cron: "15 2 * * *"` + "\n" + howe, "2026-10-03T10:00:00Z",
			"10-04 02:30 +11, 10-05 02:15 +11, 10-06 02:15 +11"},
		"no midnight": {"cron: '@daily'\n" + havana, "2026-03-07T12:00:00Z",
			"03-08 01:00 CDT, 03-09 00:00 CDT, 03-10 00:00 CDT"},
		"midnight twice": {"cron: '@daily'\n" + havana, "2026-10-31T12:00:00Z",
			"11-01 00:00 CDT, 11-02 00:00 CST, 11-03 00:00 CST"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := timetable(t, test.lines)
			if got := starts(k.Next(instant(t, test.after), 3, true)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestFiringsDoNotDependOnTheAsker: from whatever moment of a year one looks,
// the next firing is the same.
func TestFiringsDoNotDependOnTheAsker(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe"} {
		for _, cron := range []string{"30 1-3 * * *", "*/20 * * * *", "@every 7h", "0 0 1 * *"} {
			k := timetable(t, fmt.Sprintf("cron: %q\nzone: %s\njitter: 3m\nseed: 7\n", cron, zone))
			all := k.Next(added, 40000, true)
			i := 0
			for at := added; at.Before(added.AddDate(1, 0, 0)); at = at.Add(47 * time.Minute) {
				for !all[i].Due.After(at) {
					i++
					if !all[i].Due.After(all[i-1].Due) || !all[i].Start.After(all[i-1].Start) {
						t.Fatalf("%s %s: %v is not after %v", zone, cron, all[i], all[i-1])
					}
				}
				if f, ok := k.After(at); !ok || f != all[i] {
					t.Fatalf("%s %s: after %s comes %v, want %v", zone, cron, at, f, all[i])
				}
			}
		}
	}
}

func TestWindowAndQuietTimes(t *testing.T) {
	const lines = `
cron: "0 */6 * * *"
zone: Europe/Madrid
window: {days: [mon-fri], from: "06:00", to: "19:00"}
quiet:
  - dates: [2026-12-24..2026-12-28, 01-01]
  - {days: wed, from: "12:00", to: "13:00"}
`
	k := timetable(t, lines)
	got := starts(k.Next(instant(t, "2026-12-22T23:00:00Z"), 9, true))
	want := "12-23 06:00 CET, 12-23 12:00 CET quiet, 12-23 18:00 CET, 12-24 06:00 CET quiet, 12-24 12:00 CET quiet, " +
		"12-24 18:00 CET quiet, 12-25 06:00 CET quiet, 12-25 12:00 CET quiet, 12-25 18:00 CET quiet"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = starts(k.Next(instant(t, "2026-12-22T23:00:00Z"), 4, false))
	if want = "12-23 06:00 CET, 12-23 18:00 CET, 12-29 06:00 CET, 12-29 12:00 CET"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWindowOverMidnight(t *testing.T) {
	k := timetable(t, "cron: '0 */2 * * *'\nwindow: {days: fri, from: '22:00', to: '03:00'}\n")
	got := starts(k.Next(added, 4, true)) // 2026-01-02 is a Friday
	if want := "01-02 22:00 UTC, 01-03 00:00 UTC, 01-03 02:00 UTC, 01-09 22:00 UTC"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A firing of every second, in one minute of the year, is found at once.
func TestSparseWindow(t *testing.T) {
	k := timetable(t, "cron: '@every 1s'\nwindow: {dates: 12-31, from: '23:59'}\n")
	start := time.Now()
	f, ok := k.After(added)
	if !ok || f.Start.Format(time.RFC3339) != "2026-12-31T23:59:00Z" {
		t.Errorf("%v, %t", f, ok)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestJitter(t *testing.T) {
	const base = "cron: '0 * * * *'\nseed: 7\n"
	k := timetable(t, base+"jitter: 50m\nwindow: {from: '09:00', to: '17:00'}\nquiet: {from: '12:20', to: '13:00'}\n")
	late := 0
	for _, f := range k.Next(added, 500, true) {
		by := f.Start.Sub(f.Due)
		if by < 0 || by >= 50*time.Minute {
			t.Fatalf("%v is late by %s", f, by)
		}
		if by > 0 {
			late++
		}
		if c := ClockOf(f.Start); c < 9*60 || c >= 17*60 || c >= 12*60+20 && c < 13*60 {
			t.Fatalf("jitter carries %v out of its window or into quiet times", f)
		}
	}
	if late < 400 {
		t.Errorf("only %d of 500 are delayed", late)
	}
	other := timetable(t, strings.Replace(base, "7", "8", 1)+"jitter: 50m\n")
	if again := timetable(t, base+"jitter: 50m\n"); starts(again.Next(added, 5, true)) == starts(other.Next(added, 5, true)) {
		t.Error("another seed gives the same jitter")
	} else if starts(again.Next(added, 5, true)) != starts(timetable(t, base+"jitter: 50m\n").Next(added, 5, true)) {
		t.Error("the same seed gives another jitter")
	}
}

func TestChoice(t *testing.T) {
	s, err := Parse("s.yaml", []byte("kind: Schedule\nname: s\ncron: '@daily'\nseed: 3\nexperiment: [pod-deletion, node-cordon, pod-eviction]\n"), added)
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.Timetable(added)
	if err != nil {
		t.Fatal(err)
	}
	chosen, seeds := map[int]int{}, map[uint64]bool{}
	for _, f := range k.Next(added, 300, true) {
		choice, seed := k.Choice(f.Due)
		if again, same := k.Choice(f.Due); again != choice || same != seed || seed == 0 {
			t.Fatalf("%v is %d with seed %d, then %d with %d", f, choice, seed, again, same)
		}
		chosen[choice]++
		seeds[seed] = true
	}
	for i := range 3 {
		if chosen[i] < 60 {
			t.Errorf("experiment %d is chosen %d times of 300", i, chosen[i])
		}
	}
	if len(seeds) < 299 {
		t.Errorf("%d seeds for 300 firings", len(seeds))
	}
}

func TestExpiry(t *testing.T) {
	k := timetable(t, "cron: '0 */8 * * *'\nzone: Europe/Madrid\nexpires: 2026-06-30\n")
	got := starts(k.Next(instant(t, "2026-06-30T10:00:00Z"), 9, true))
	if want := "06-30 16:00 CEST"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
