package chaos

import (
	"os"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/journal"
	"axolotl/vm"
)

// A run is told to end by a file and not by a signal, which its process, a daemon
// perhaps, would take for its own end: this one would not survive it. Those that
// would come after it are not begun.
func TestAbortARunOfThisProcess(t *testing.T) {
	t.Parallel()
	h := apart(t)
	ended := make(chan *Runs, 1)
	go func() { ended <- runner(t, h).RunAll(t.Context(), []*Experiment{toZero(t), toZero(t)}) }()
	injected := func() string {
		live, err := journalOf(h.Cluster).Live()
		if err != nil {
			t.Error(err)
		}
		for _, l := range live {
			if l.Fault != nil {
				return l.ID
			}
		}
		return ""
	}
	var id string
	for id == "" {
		select {
		case all := <-ended:
			t.Fatalf("they have ended: %+v", all.Runs[0])
		case <-time.After(10 * time.Millisecond):
		}
		id = injected()
	}
	done, err := Abort(t.Context(), h.Cluster, id, quiet.Start("abort"))
	if err != nil || len(done) != 1 || done[0].ID != id {
		t.Errorf("aborted %v, %v", done, err)
	}
	all := <-ended
	report := all.Runs[0]
	if len(all.Runs) != 1 || report.Verdict != Aborted || !strings.Contains(report.Reason, "by 'axolotl chaos abort'") || report.ExitCode != 14 || report.Undo == "" {
		t.Errorf("%d runs, verdict %s (%s), undo %q", len(all.Runs), report.Verdict, report.Reason, report.Undo)
	}
	leftNothing(t, h, id)
	left, err := os.ReadDir(h.Cluster.Path("journal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if strings.HasSuffix(f.Name(), ".abort") {
			t.Errorf("%s is left", f.Name())
		}
	}
}

// The parts of a combined run have entries of their own, and end with the whole.
func TestPartsAreToldByTheWhole(t *testing.T) {
	whole := &run{journal: journal.At(t.TempDir() + "/journal"), id: "r", experiment: &Experiment{}, home: &vm.Cluster{}}
	p := &run{journal: whole.journal, id: "r-1", experiment: &Experiment{}, home: whole.home, whole: whole}
	for _, r := range []*run{whole, p} {
		if err := r.beginJournal(); err != nil {
			t.Fatal(err)
		}
		if r.entry.Run != "r" {
			t.Errorf("%s is ended by telling %q", r.id, r.entry.Run)
		}
	}
}
