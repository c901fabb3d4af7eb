package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"

	"axolotl/chaos/history"
	"axolotl/chaos/journal"
	"axolotl/chaos/schedule"
	"axolotl/internal/store"
	"axolotl/vm/local"
)

// What 'make soak' says. Without a length the test is skipped.
const (
	soakVariable        = "AXOLOTL_SOAK"         // how long: 30m
	soakEveryVariable   = "AXOLOTL_SOAK_EVERY"   // a firing each: 1m
	soakSeedVariable    = "AXOLOTL_SOAK_SEED"    // when serve is killed
	soakDriverVariable  = "AXOLOTL_SOAK_DRIVER"  // of the cluster: local
	soakWorkersVariable = "AXOLOTL_SOAK_WORKERS" // of the cluster: 1
)

// soak is a world in which a daemon runs what is due on one cluster.
type soak struct {
	t   *testing.T
	dir string
	env []string
}

// TestSoak has a daemon run experiments for long, and kills it at random times
// that follow from the seed, each second time in the middle of a run. At the end each firing is accounted for once, and
// nothing is left in the cluster or on the host. Memory and open files of the
// daemon are printed, and those of its last life, which is a third of the
// whole, must not have grown.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv(soakVariable))
	if err != nil {
		t.Skip("takes as long as it is told: make soak")
	}
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv(soakSeedVariable), "1"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	s := newSoak(t)
	s.must("up", "soak", "--driver", cmp.Or(os.Getenv(soakDriverVariable), local.Name),
		"--workers", cmp.Or(os.Getenv(soakWorkersVariable), "1"), "--no-context")
	s.must("schedule", "add", "soak", "--cluster", "soak", "--experiment", "pod-deletion,node-cordon", "--no-probe",
		"--cron", "@every "+cmp.Or(os.Getenv(soakEveryVariable), "1m"), "--seed", "7")
	s.must("keep", "soak")

	end := time.Now().Add(length)
	var told time.Time // when the last daemon was told to end
	for quiet, n := end.Add(-length/3), 0; ; n++ {
		life := time.Duration(10+random.IntN(80)) * time.Second
		if time.Now().Add(life).After(quiet) {
			told = s.lastLife(time.Until(end))
			break
		}
		daemon := s.serve()
		figures := s.live(daemon, life)
		if n%2 == 0 {
			s.awaitRun()
		}
		if err := daemon.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = daemon.Wait() // it was killed, says its error
		t.Logf("killed after %s, with %d run(s) at work: %s", life, len(s.open()), figures[len(figures)-1])
	}
	s.accounted(told)
	s.leftNothing()
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "axolotl-soak-*") // QEMU's user must reach it
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &soak{t: t, dir: dir, env: append(os.Environ(),
		"WORK="+dir, "XDG_STATE_HOME="+dir, "KUBECONFIG="+filepath.Join(dir, "kubeconfig"), testVariable+"="+strconv.Itoa(os.Getpid()))}
	t.Cleanup(func() {
		_, _ = s.run(context.Background(), "down", "--all") // where the test has failed before
		endAll(t, dir)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return s
}

// command is axolotl in this world.
func (s *soak) command(ctx context.Context, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "axolotl", arguments...) // testscript has put it on the path
	cmd.Env, cmd.Dir = s.env, s.dir
	return cmd
}

func (s *soak) run(ctx context.Context, arguments ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := s.command(ctx, arguments...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("axolotl %s: %w: %s", strings.Join(arguments, " "), err, errs.String())
	}
	return out.String(), nil
}

func (s *soak) must(arguments ...string) string {
	s.t.Helper()
	out, err := s.run(s.t.Context(), arguments...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// serve starts a daemon, whose log goes on in one file.
func (s *soak) serve() *exec.Cmd {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	daemon := s.command(context.Background(), "serve", "--listen", "")
	daemon.Stderr = log
	if err := daemon.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = daemon.Process.Kill() }) // it has ended, as a rule
	return daemon
}

// figure is what a daemon takes at one time.
type figure struct {
	age      time.Duration
	resident int // KiB
	files    int // open
}

func (f figure) String() string {
	return fmt.Sprintf("at %s %d MiB resident, %d files open", f.age.Round(time.Second), f.resident/1024, f.files)
}

// live lets a daemon live, and takes its figures every second.
func (s *soak) live(daemon *exec.Cmd, life time.Duration) []figure {
	s.t.Helper()
	born := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var figures []figure
	for time.Since(born) < life || len(figures) == 0 {
		<-tick.C
		process, err := procfs.NewProc(daemon.Process.Pid)
		if err != nil {
			s.t.Fatalf("the daemon has ended by itself: %v; see %s", err, s.log())
		}
		stat, err := process.Stat()
		if err != nil {
			s.t.Fatal(err)
		}
		files, err := process.FileDescriptorsLen()
		if err != nil {
			s.t.Fatalf("the daemon has ended by itself: %v; its log ends with\n%s", err, s.log())
		}
		figures = append(figures, figure{time.Since(born), stat.ResidentMemory() / 1024, files})
	}
	return figures
}

// log is the end of the daemons' log.
func (s *soak) log() string {
	data, _ := os.ReadFile(filepath.Join(s.dir, "serve.log"))
	return string(data[max(0, len(data)-4000):])
}

// lastLife is one without a kill: what the daemon takes at its end, when it has
// run many times, is held to what it took after its first tenth. It returns when
// the daemon was told to end.
func (s *soak) lastLife(life time.Duration) time.Time {
	s.t.Helper()
	daemon := s.serve()
	figures := s.live(daemon, life)
	first, last := figures[len(figures)/10], figures[len(figures)-1]
	for _, figure := range []figure{first, figures[len(figures)/2], last} {
		s.t.Log(figure)
	}
	if last.files > first.files+10 || last.resident > first.resident*3/2+16<<10 {
		s.t.Errorf("the daemon has grown: %s, and %s", first, last)
	}
	told := time.Now()
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := daemon.Wait(); err != nil {
		s.t.Errorf("the daemon's end: %v; its log ends with\n%s", err, s.log())
	}
	return told
}

// accounted holds the history to the timetable: each firing until the end is in
// it once, and none runs any more.
func (s *soak) accounted(until time.Time) {
	s.t.Helper()
	home := store.Home{State: filepath.Join(s.dir, "axolotl")}
	record, err := schedule.At(home).Load("soak")
	if err != nil {
		s.t.Fatal(err)
	}
	timetable, err := record.Timetable()
	if err != nil {
		s.t.Fatal(err)
	}
	db, err := history.Open(s.t.Context(), history.Path(home))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	all, err := db.Firings(s.t.Context(), history.FiringQuery{Schedule: "soak"})
	if err != nil {
		s.t.Fatal(err)
	}
	outcomes, verdicts := map[history.Outcome]int{}, map[string]int{}
	at := record.Since()
	for i := len(all) - 1; i >= 0; i-- {
		f := all[i]
		if want, _ := timetable.After(at); !f.Due.Equal(want.Due) || f.Outcome == history.FiringRunning {
			s.t.Errorf("after %s comes %s, which is %s, want %s", at, f.Due, f.Outcome, want.Due)
		}
		at = f.Due
		outcomes[f.Outcome]++
		verdicts[f.Verdict]++
		if f.Outcome == history.FiringSkipped {
			s.t.Logf("%s: skipped: %s", f.Due, f.Reason)
		}
	}
	if next, ok := timetable.After(at); ok && next.Start.Before(until.Add(-5*time.Second)) {
		s.t.Errorf("the firing of %s is not in the history", next.Start)
	}
	if verdicts["healed"] == 0 || outcomes[history.FiringInterrupted] == 0 {
		s.t.Error("none was run and healed, or none interrupted: it shows too little")
	}
	s.t.Logf("%d firings: %v; verdicts %v", len(all), outcomes, verdicts)
}

// open are the runs whose journal says that something of theirs may be there.
func (s *soak) open() []string {
	s.t.Helper()
	all, err := journal.At(filepath.Join(s.dir, "axolotl/clusters/soak/journal")).All()
	if err != nil {
		s.t.Fatal(err)
	}
	var open []string
	for _, e := range all {
		if e.State == journal.Open {
			open = append(open, e.ID)
		}
	}
	return open
}

// awaitRun waits until a run is at work.
func (s *soak) awaitRun() {
	s.t.Helper()
	for deadline := time.Now().Add(awaitLimit); len(s.open()) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("no run is begun; the log ends with\n%s", s.log())
		}
	}
}

// leftNothing holds the cluster and the host to having nothing left of any run.
func (s *soak) leftNothing() {
	s.t.Helper()
	if open := s.open(); len(open) > 0 {
		s.t.Errorf("not undone: %v", open)
	}
	if left := s.must("kubectl", "soak", "--", "get", "namespaces", "-l", "axolotl.dev/run", "-o", "name"); left != "" {
		s.t.Errorf("left in the cluster: %s", left)
	}
	if left := s.must("kubectl", "soak", "--", "get", "nodes", "--field-selector", "spec.unschedulable=true", "-o", "name"); left != "" {
		s.t.Errorf("cordoned: %s", left)
	}
	s.must("down", "soak")
	if left := processesOf(s.dir); len(left) > 0 {
		s.t.Errorf("they run: %v", left)
	}
}
