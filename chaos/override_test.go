package chaos

import (
	"strings"
	"testing"
	"time"

	"axolotl/chaos/probe"
)

// What an experiment says of its own app does not keep it from running on another
// target; how many are struck, and on which nodes, still holds.
func TestOverridesOfATarget(t *testing.T) {
	for _, name := range CatalogNames() {
		e, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		was := e.Target
		if err := (Overrides{Namespace: "shop", Deployment: "web"}).Apply(e); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if e.Target.App != "" || e.Target.Count != was.Count || e.Target.Percent != was.Percent || e.Target.Nodes != was.Nodes {
			t.Errorf("%s: %+v was %+v", name, e.Target, was)
		}
	}
}

// A fault that lasts when all must be well again can only be late, which one may
// want to see, and does not by mistake.
func TestFaultsThatLastTooLong(t *testing.T) {
	e, err := Open("node-power-cut")
	if err != nil {
		t.Fatal(err)
	}
	err = (Overrides{HealWithin: 25 * time.Second}).Apply(e)
	if err == nil || !strings.Contains(err.Error(), "lasts 1m0s is longer than healWithin 25s") {
		t.Errorf("--deadline 25s: %v", err)
	}
	e.Expect = NotHealed
	if err := e.Validate(); err != nil {
		t.Errorf("where that is what one wants to see: %v", err)
	}
	const steps = "name: a\ntitle: b\ntarget: {app: pingapp}\nhealWithin: 10s\nsteps:\n  - parallel:\n      - {fault: {name: node-cordon}}\n      - {fault: {name: scheduler-down}, lasts: 20s}\n"
	_, err = Parse("f.yaml", []byte(steps))
	if err == nil || !strings.Contains(err.Error(), "f.yaml:8:48: steps[0].parallel[1].lasts 20s is longer than healWithin 10s") {
		t.Errorf("a step: %v", err)
	}
}

// A fault that takes nothing would have healed before anything could be seen of it;
// as one of several it stays in while the others strike.
func TestAFaultThatTakesNothingLasts(t *testing.T) {
	const head = "name: a\ntitle: b\ntarget: {app: pingapp}\n"
	_, err := Parse("f.yaml", []byte(head+"fault: {name: node-cordon}\n"))
	if err == nil || !strings.Contains(err.Error(), "f.yaml:4:8: fault takes nothing") || !strings.Contains(err.Error(), "such as lasts: 30s") {
		t.Errorf("a cordon: %v", err)
	}
	for _, text := range []string{"fault: {name: node-cordon}\nlasts: 1s\n", "fault: {name: pod-deletion}\n", "steps: [{fault: {name: node-cordon}}, {fault: {name: pod-deletion}}]\n"} {
		if _, err := Parse("f.yaml", []byte(head+text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A probe's loop is in the file, and again in that of the run to replay.
func TestLoopOfTheProbe(t *testing.T) {
	const text = "name: a\ntitle: b\ntarget: {app: pingapp}\nfault: {name: node-cordon}\nlasts: 1s\nprobe: {loop: LOOP}\n"
	for word, want := range map[string]probe.Loop{"closed": probe.Closed, "open": probe.Open, "{}": probe.Open} {
		e, err := Parse("f.yaml", []byte(strings.Replace(strings.Replace(text, "LOOP", word, 1), "{loop: {}}", "{}", 1)))
		if err != nil || e.Probe.Loop != want {
			t.Fatalf("%q: %+v, %v", word, e, err)
		}
		file, err := e.File()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse("again.yaml", []byte(file)); err != nil || again.Probe.Loop != want {
			t.Errorf("%q again: %v\n%s", word, err, file)
		}
	}
	_, err := Parse("f.yaml", []byte(strings.Replace(text, "LOOP", "half-open", 1)))
	if err == nil || !strings.Contains(err.Error(), `f.yaml:6:15: probe.loop "half-open" is unknown; use open or closed`) {
		t.Errorf("%v", err)
	}
}

// A name that the API server would not take is found before.
func TestNamesOfExperiments(t *testing.T) {
	_, err := Parse("f.yaml", []byte("name: My_Test\ntitle: b\ntarget: {app: pingapp}\nfault: {name: node-cordon}\nlasts: 1s\n"))
	if err == nil || !strings.Contains(err.Error(), `f.yaml:1:7: name "My_Test": use up to 40`) {
		t.Errorf("%v", err)
	}
}
