package chaos

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/observe"
	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
)

func TestJudge(t *testing.T) {
	soon, late := 5*time.Second, 50*time.Second
	boom := errors.New("boom")
	tests := map[string]struct {
		healed                *time.Duration
		failed, relapse, undo error
		want                  Verdict
	}{
		"healed":              {&soon, nil, nil, nil, Healed},
		"late":                {&late, nil, nil, nil, HealedLate},
		"never":               {nil, fmt.Errorf("%w: x", errNotHealed), nil, nil, NotHealed},
		"not after the undo":  {nil, nil, boom, nil, NotHealed},
		"no effect":           {nil, fmt.Errorf("%w: x", errNoEffect), nil, nil, NoEffect},
		"targets vanished":    {nil, fault.ErrNoTarget, nil, nil, NoEffect},
		"refused":             {nil, &Refusal{"g", "r", "m"}, nil, nil, Refused},
		"skipped":             {nil, &SkipError{"r"}, nil, nil, Skipped},
		"blocked":             {nil, fmt.Errorf("evict: %w", &fault.BlockedError{Budgets: []string{"n/b"}, Err: boom}), nil, nil, Blocked},
		"an error":            {nil, boom, nil, nil, Aborted},
		"interrupted":         {nil, fmt.Errorf("%w: %w", errInterrupted, errNotHealed), nil, nil, Aborted},
		"undo failed":         {&soon, nil, nil, boom, UndoFailed},
		"refused, not undone": {nil, &Refusal{"g", "r", "m"}, nil, boom, UndoFailed},
	}
	codes := map[int]Verdict{}
	for name, test := range tests {
		p := &Report{HealedAfter: test.healed, HealWithin: 10 * time.Second}
		p.judge(test.failed, test.relapse, test.undo)
		p.weigh()
		if p.Verdict != test.want {
			t.Errorf("%s: verdict %s, want %s", name, p.Verdict, test.want)
		}
		if other, taken := codes[p.ExitCode]; taken && other != p.Verdict {
			t.Errorf("%s and %s have the same exit code %d", other, p.Verdict, p.ExitCode)
		}
		codes[p.ExitCode] = p.Verdict
		if (p.ExitCode == 0) != (p.Verdict == Healed) || (p.Err() == nil) != (p.Verdict == Healed) {
			t.Errorf("%s: exit code %d, error %v", name, p.ExitCode, p.Err())
		}
	}
}

func TestDraw(t *testing.T) {
	sec := func(n int) time.Duration { return time.Duration(n) * time.Second }
	healed := sec(8)
	p := &Report{
		ID: "run", Experiment: "pod-deletion", Cluster: "demo", Driver: "libvirt", Seed: 7,
		Verdict: Healed, HealedAfter: &healed, HealWithin: sec(60), Proof: "pod a is gone", Undo: "nothing to undo",
		Recovered: Recovered{Pods: []timeline.Recovery{{
			Lost: timeline.Pod{Name: "a", UID: "u1", Node: "n1"}, By: &timeline.Pod{Name: "b\x1b[31m", UID: "u2", Node: "n2"},
			Phases: []timeline.Phase{
				{Name: timeline.Noticed, Known: true, To: sec(2)},
				{Name: timeline.Replaced},
				{Name: timeline.Scheduled, Known: true, From: sec(2), To: sec(2), Includes: []timeline.Milestone{timeline.Replaced}},
				{Name: timeline.Started, Known: true, From: sec(2), To: sec(8), Late: sec(1)},
				{Name: timeline.Ready},
			},
			Total: sec(8), Relapses: 1,
		}, {
			Lost:   timeline.Pod{Name: "c", UID: "u3", Node: "n1"},
			Phases: []timeline.Phase{{Name: timeline.Noticed}, {Name: timeline.Ready}},
		}}},
		Client:  &probe.Summary{URL: "http://x/", Interval: 50 * time.Millisecond, Sent: 100, Failed: 25, FailedShare: 0.25, Failures: map[string]int{"timeout": 5, "refused": 20}},
		Outages: []Span{{sec(2), sec(4)}},
		Gaps:    []observe.Gap{{Kind: "pods", From: sec(1), To: sec(3)}},
	}
	p.Client.FirstFailure, p.Client.LastFailure = &p.Outages[0].From, &p.Outages[0].To
	var out strings.Builder
	if err := p.Draw(&out); err != nil {
		t.Fatal(err)
	}
	const want = `experiment pod-deletion on cluster demo (driver libvirt), run run, seed 7
fault       pod a is gone

pod a on n1
  replaced by b\x1b[31m on n2: uid u2, was u1; ready and lost again 1 time(s) before
                        0                      4 s                    8 s
  noticed        2.00 s ████████████
  replaced      unknown
  scheduled      0.00 s             ▏                                      with replaced
  started        6.00 s             ████████████████████████████████████   seen up to 1.00 s late
  ready         unknown
  total          8.00 s

pod c on n1
  not replaced
  nobody saw it being lost

client: GET http://x/ every 50ms, past the API server
  failed                            ░░░░░░░░░░░░
  25 of 100 requests failed (25.0 %): refused 20, timeout 5
  first failure 2.00 s, last failure 4.00 s after the fault
  longest time without an answer 0.00 s; answers take 0.00 s, 99 % within 0.00 s

the watch on pods was down from 1.00 s to 3.00 s; what it told of then may be that late

undo        nothing to undo
verdict     Healed after 8.00 s (asked for 1m0s)
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestOutages(t *testing.T) {
	from := time.Now()
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	var requests []probe.Request
	for i, fail := range []string{"", "x", "x", "", "x", "x"} {
		requests = append(requests, probe.Request{Sent: from.Add(ms(50 * i)), Fail: fail})
	}
	got := fmt.Sprint(outages(requests, from, probe.Settings{Interval: ms(50)}))
	if want := fmt.Sprint([]Span{{ms(50), ms(150)}, {ms(200), ms(300)}}); got != want {
		t.Errorf("outages %s, want %s", got, want)
	}
	requests = []probe.Request{{Sent: from, Took: ms(200), Fail: "timeout"}, {Sent: from.Add(ms(250)), Took: ms(10)}}
	got = fmt.Sprint(outages(requests, from, probe.Settings{Interval: ms(50), Loop: probe.Closed}))
	if want := fmt.Sprint([]Span{{0, ms(250)}}); got != want {
		t.Errorf("in a closed loop %s, want %s", got, want)
	}
}
