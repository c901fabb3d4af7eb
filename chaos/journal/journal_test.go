package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/fault"
)

func entry(id string) Entry {
	return Entry{
		ID: id, Experiment: "pod-deletion", Cluster: "demo", Created: time.Now(), Namespace: "ns-" + id,
		Fault: &fault.Spec{Name: "pod-deletion"}, Objects: []fault.Object{{Target: fault.Target{Kind: "Pod", Name: "p", UID: "u"}}},
	}
}

// pending returns the IDs of the open entries that nobody holds, and lets go.
func pending(t *testing.T, j *Journal) string {
	t.Helper()
	held, err := j.Pending()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, h := range held {
		ids = append(ids, h.ID)
		if err := h.Release(); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(ids, " ")
}

func TestEntryIsPendingFromBeginToUndo(t *testing.T) {
	j := At(filepath.Join(t.TempDir(), "journal"))
	h, err := j.Begin(entry("a"))
	if err != nil {
		t.Fatal(err)
	}
	if got := pending(t, j); got != "" {
		t.Errorf("the entry of a living run is pending: %q", got)
	}
	if err := h.Release(); err != nil { // as the end of the process does
		t.Fatal(err)
	}
	if got := pending(t, j); got != "a" {
		t.Errorf("pending after a crash: %q, want a", got)
	}

	held, err := j.Pending()
	if err != nil {
		t.Fatal(err)
	}
	if o := held[0].Objects[0]; o.UID != "u" || held[0].Namespace != "ns-a" || held[0].Fault.Name != "pod-deletion" {
		t.Errorf("what the undo needs was lost: %+v", held[0].Entry)
	}
	if err := held[0].Close("", errors.New("API server is down"), time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := pending(t, j); got != "a" {
		t.Errorf("pending after an undo that failed: %q, want a", got)
	}
	held, _ = j.Pending()
	if err := held[0].Close("proved", nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := pending(t, j); got != "" {
		t.Errorf("pending after the undo: %q, want none", got)
	}
	all, err := j.All()
	if err != nil || len(all) != 1 || all[0].State != Undone || all[0].Error != "" || all[0].Proof != "proved" {
		t.Errorf("journal %+v, error %v", all, err)
	}
}

// What objects were like before, a Secret perhaps, is kept as long as an undo needs it,
// and no longer.
func TestPriorValuesGoWithTheUndo(t *testing.T) {
	dir := t.TempDir()
	j := At(dir)
	e := entry("a")
	e.Objects[0].Prior = map[string]string{"object": "what it held"}
	h, err := j.Begin(e)
	if err != nil {
		t.Fatal(err)
	}
	held := func(want bool) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, "a.json"))
		if err != nil || strings.Contains(string(data), "what it held") != want {
			t.Errorf("the journal has it: %t, want %t; %v", !want, want, err)
		}
	}
	if err := h.Close("", errors.New("API server is down"), time.Now()); err != nil {
		t.Fatal(err)
	}
	held(true)
	if h, err = j.Take("a"); err != nil {
		t.Fatal(err)
	}
	if err := h.Close("proved", nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	held(false)
	if all, err := j.All(); err != nil || all[0].Objects[0].Target != e.Objects[0].Target || e.Objects[0].Prior == nil {
		t.Errorf("the target is %+v, the caller's %+v, %v", all, e.Objects, err)
	}
}

func TestDamagedEntryHidesNoOther(t *testing.T) {
	dir := t.TempDir()
	j := At(dir)
	h, err := j.Begin(entry("b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Release(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.json"), []byte(`{"id": "a`), 0o600); err != nil {
		t.Fatal(err)
	}
	held, err := j.Pending()
	if err == nil || !strings.Contains(err.Error(), "a.json is damaged") {
		t.Errorf("error %v, want one that names the damaged file", err)
	}
	if len(held) != 1 || held[0].ID != "b" {
		t.Errorf("pending %v, want b", held)
	}
}

func TestBeginTwice(t *testing.T) {
	j := At(t.TempDir())
	if _, err := j.Begin(entry("a")); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Begin(entry("a")); err == nil {
		t.Error("one run was begun twice")
	}
}

// A cluster that is taken down while a run is at work leaves nothing: the run
// does not make its directory anew.
func TestEntryOfAClusterThatIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cluster")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	j := At(filepath.Join(dir, "journal"))
	held, err := j.Begin(Entry{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if held.Write() == nil || held.Close("", nil, time.Now()) == nil {
		t.Error("no error")
	}
	if _, err := j.Begin(Entry{ID: "b"}); err == nil {
		t.Error("another one was begun")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory is back")
	}
}

// Who is told to end looks by itself, and it is forgotten when it has, also where
// its process was killed before.
func TestTell(t *testing.T) {
	j := At(filepath.Join(t.TempDir(), "journal"))
	held, err := j.Begin(Entry{ID: "a", Run: "a"})
	if err != nil {
		t.Fatal(err)
	}
	told := func(want bool) {
		t.Helper()
		if got := j.Told("a"); got != want {
			t.Errorf("told: %t", got)
		}
	}
	told(false)
	if err := j.Tell("a"); err != nil {
		t.Fatal(err)
	}
	if err := j.SweepTold(); err != nil { // it is at work
		t.Fatal(err)
	}
	told(true)
	if ids, err := j.place.IDs(); err != nil || len(ids) != 1 {
		t.Errorf("entries %v, %v", ids, err)
	}
	if err := held.Release(); err != nil { // as the end of its process does
		t.Fatal(err)
	}
	told(true)
	if err := j.SweepTold(); err != nil {
		t.Fatal(err)
	}
	told(false)

	if held, err = j.Take("a"); err != nil || held == nil {
		t.Fatal(err)
	}
	if err := j.Tell("a"); err != nil {
		t.Fatal(err)
	}
	if err := held.Close("proof", nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	told(false)
	if !held.Told() {
		t.Error("it was told while it was undone, and nobody knows any more")
	}
}
