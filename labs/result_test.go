package labs

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/term"
)

func quiet() *term.Progress { return term.NewProgress(io.Discard, true) }

func TestClusterTextIsEscaped(t *testing.T) {
	p := problem("bad \x1b]0;title\a", &check.Unmet{Expected: "\x1b[2J", Seen: []string{"a\u202eb"}})
	all := p.Message + p.Expected + strings.Join(p.Seen, "")
	all += strings.Join(lastEvents([]kube.Event{{Message: "\x1b[31mred"}}, 5), "")
	if strings.ContainsAny(all, "\x1b\a\u202e") {
		t.Errorf("escapes got through: %q", all)
	}
}

// Who reads what a step does reads its values, and no braces.
func TestActionsAreToldWithTheirValues(t *testing.T) {
	h := learner(t)
	t.Parallel()
	lab := oneStep(t, `
    remember: [{name: victim, object: {kind: Namespace, name: default}, cel: "'web-1'"}]
    do: [{delete: {kind: Pod, name: "{{ victim }}"}}, {await: {object: {kind: ConfigMap, name: never}}}]
    check: [{object: {kind: ConfigMap, name: never}}]
`)
	var shown bytes.Buffer
	g, err := StartGuide(t.Context(), h, lab, Options{Progress: term.NewProgress(&shown, false)})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	failure, err := g.Solve(t.Context())
	if err != nil || failure == nil || !strings.HasPrefix(failure.Message, "delete Pod web-1: ") {
		t.Errorf("%+v, %v", failure, err)
	}
	if strings.Contains(shown.String(), "{{") {
		t.Errorf("shown:\n%s", shown.String())
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLastEventsPrefersWarnings(t *testing.T) {
	var events []kube.Event
	for i := range 10 {
		e := kube.Event{Type: "Normal", Reason: string(rune('a' + i)), Time: time.Unix(int64(i), 0)}
		if i == 0 {
			e.Type = "Warning"
		}
		events = append(events, e)
	}
	got := lastEvents(events, 3)
	if len(got) != 3 || !strings.HasPrefix(got[0], "Warning a") || !strings.HasPrefix(got[2], "Normal j") {
		t.Errorf("got %q", got)
	}
}

func TestJUnit(t *testing.T) {
	results := []Result{
		{Lab: "good", Outcome: Passed, Seconds: 1.5, Steps: []StepResult{{Name: "a", Outcome: Passed, Seconds: 1.5}}},
		{Lab: "bad", Outcome: Failed, Reason: "x", Steps: []StepResult{
			{Name: "a", Outcome: Failed, Problem: &Problem{Message: "not so <&>", Seen: []string{"b"}}, Evidence: []Collected{{Logs, "boom"}}},
			{Name: "b", Outcome: NotReached},
		}},
		{Lab: "skipped", Outcome: Skipped, Reason: "needs real pods"},
		{Lab: "unbegun", Outcome: Failed, Reason: "no API server", Steps: []StepResult{{Name: "a", Outcome: NotReached}}},
	}
	var out bytes.Buffer
	if err := WriteJUnit(&out, results); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Skipped  int    `xml:"skipped,attr"`
			Cases    []struct {
				Failure string `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(out.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	want := []struct{ tests, failures, skipped int }{{1, 0, 0}, {2, 1, 1}, {1, 0, 1}, {2, 1, 1}}
	for i, s := range back.Suites {
		if s.Tests != want[i].tests || s.Failures != want[i].failures || s.Skipped != want[i].skipped {
			t.Errorf("suite %s: %d tests, %d failures, %d skipped; want %+v", s.Name, s.Tests, s.Failures, s.Skipped, want[i])
		}
	}
	if text := back.Suites[1].Cases[0].Failure; !strings.Contains(text, "boom") {
		t.Errorf("the logs are not in the failure: %q", text)
	}
}
