package incluster

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/yaml"

	"axolotl/chaos/history"
	"axolotl/chaos/journal"
)

func unmarshal(text string, into any) error { return yaml.Unmarshal([]byte(text), into) }

// The next leader takes over what the last one held, who cannot write it any
// more, and so injects nothing.
func TestJournalIsTakenOver(t *testing.T) {
	applied(t, Manifests{Namespace: "journal", Image: "axolotl/axolotl:latest"})
	of := func(identity string) *journal.Journal {
		return journal.In(NewJournal(shared.Kube.Typed, "journal", identity))
	}
	a, b := of("a"), of("b")
	held, err := a.Begin(journal.Entry{ID: "20260101-000000-abcde", Experiment: "e", Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if mine, err := a.Pending(); err != nil || len(mine) != 0 {
		t.Errorf("a run that is at work here is pending: %v, %v", mine, err)
	}
	if err := held.Write(); err != nil {
		t.Fatal(err)
	}
	taken, err := b.Pending()
	if err != nil || len(taken) != 1 || taken[0].ID != held.ID {
		t.Fatalf("%v, %v", taken, err)
	}
	if err := held.Write(); err == nil || !strings.Contains(err.Error(), "taken") || !strings.Contains(err.Error(), "nothing was injected") {
		t.Errorf("the last leader writes: %v", err)
	}
	if err := taken[0].Close("", errors.New("not yet"), time.Now()); err != nil {
		t.Fatal(err)
	}
	if taken, err = b.Pending(); err != nil || len(taken) != 1 {
		t.Fatalf("what is not undone is not pending: %v, %v", taken, err)
	}
	if err := taken[0].Close("proof", nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if again, err := of("c").Pending(); err != nil || len(again) != 0 {
		t.Errorf("what is undone is pending: %v, %v", again, err)
	}
	if all, err := b.All(); err != nil || len(all) != 1 || all[0].Proof != "proof" {
		t.Errorf("%+v, %v", all, err)
	}
}

// Reports, and entries of what is undone, are kept up to a number.
func TestReportsAreBounded(t *testing.T) {
	applied(t, Manifests{Namespace: "reports", Image: "axolotl/axolotl:latest"})
	place := NewJournal(shared.Kube.Typed, "reports", "a")
	reports, entries := NewReports(shared.Kube.Typed, "reports", place), journal.In(place)
	open, err := entries.Begin(journal.Entry{ID: "open", Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range mostReports + 3 {
		id := "run-" + time.Unix(int64(i), 0).UTC().Format("150405")
		held, err := entries.Begin(journal.Entry{ID: id, Created: time.Now()})
		if err == nil {
			err = held.Close("", nil, time.Now())
		}
		if err == nil {
			err = reports.EndRun(t.Context(), history.Run{ID: id, Experiment: "e", Verdict: "healed", Report: []byte(`{}`)}, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := entries.All()
	if err != nil || len(all) != mostUndone+1 || open.State != journal.Open {
		t.Errorf("%d entries, %v", len(all), err)
	}
	if err := reports.EndRun(t.Context(), history.Run{ID: "long", Report: []byte(strings.Repeat("x", 2<<20))}, nil); err != nil {
		t.Errorf("one that is too long: %v", err)
	}
}

// Nothing is changed by who does not lead, or has not been heard for as long as
// another one may wait.
func TestFence(t *testing.T) {
	e := NewElection(nil, "ns", "a", 3*time.Second)
	sent := 0
	fence := e.Fence(transport(func(*http.Request) (*http.Response, error) { sent++; return &http.Response{}, nil }))
	try := func(method string) error {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_, err = fence.RoundTrip(r)
		return err
	}
	if try(http.MethodGet) != nil || !errors.Is(try(http.MethodPatch), errFenced) {
		t.Error("who never led may read, and change nothing")
	}
	heard := func() error { return nil }
	if err := e.note(resourcelock.LeaderElectionRecord{HolderIdentity: "a"}, heard); err != nil || try(http.MethodPatch) != nil {
		t.Error("the leader may")
	}
	e.renewed = e.renewed.Add(-e.giveUp()) // the process slept
	if !errors.Is(try(http.MethodDelete), errFenced) {
		t.Error("who was not heard for that long may not")
	}
	deaf := errors.New("no answer")
	if err := e.note(resourcelock.LeaderElectionRecord{HolderIdentity: "a"}, func() error { return deaf }); !errors.Is(err, deaf) || e.Leads() {
		t.Error("what was not heard renews nothing")
	}
	if err := e.note(resourcelock.LeaderElectionRecord{HolderIdentity: "a"}, heard); err != nil || !e.Leads() {
		t.Error("it leads again")
	}
	if err := e.note(resourcelock.LeaderElectionRecord{}, heard); err != nil || e.Leads() {
		t.Error("who has given the lease back does not lead")
	}
	if sent != 2 {
		t.Errorf("%d requests were sent", sent)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
