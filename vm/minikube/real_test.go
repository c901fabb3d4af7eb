package minikube

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"axolotl/internal/store"
	"axolotl/vm"
)

// needReal gives a test the minikube that is installed, with a home and a
// kubeconfig that are nobody's.
func needReal(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip("there is no minikube in PATH: what it says is known from recordings only")
	}
	t.Setenv(homeVariable, t.TempDir())
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "config"))
}

// What was recorded is what minikube says: of calls that reach no machine, and
// no network. The recordings that begin with start- need that a driver does not
// work, which may be otherwise here.
func TestRecordingsAreTrue(t *testing.T) {
	needReal(t)
	paths, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), "start-") || filepath.Base(path) == "version.txtar" {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			r, err := readRecording(path)
			must(t, err)
			cmd := exec.CommandContext(t.Context(), program, r.args...)
			cmd.Env = append(os.Environ(), quietly...)
			out, err := cmd.Output()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != r.exit {
				t.Errorf("exit code %d, recorded %d", code, r.exit)
			}
			if got, want := heard(string(out)), heard(r.stdout); got != want {
				t.Errorf("it says\n%s\nrecorded\n%s", got, want)
			}
		})
	}
}

// heard is what the driver hears of an output: of events, their types and data,
// without what is new each time.
func heard(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		e, ok := parseEvent([]byte(line))
		if !ok {
			b.WriteString(line)
			continue
		}
		b.WriteString(e.Type + " " + e.Data["name"] + " " + e.Data["exitcode"] + " " + e.Data["message"] + "\n")
	}
	return b.String()
}

// A cluster whose profile somebody has deleted has no machines, and goes down;
// what cannot be started is told with minikube's own ID.
func TestRealMinikube(t *testing.T) {
	needReal(t)
	if _, err := exec.LookPath("VBoxManage"); err == nil {
		t.Skip("VirtualBox is installed here: this test wants it to be missing")
	}
	d, c := New("virtualbox"), testCluster(t, 1)
	c.Name = "nosuch-of-a-test"
	must(t, d.Plan(t.Context(), c))
	for _, check := range d.Checks() {
		if _, err := check.Run(t.Context()); err != nil {
			t.Errorf("%s: %v", check.Name, err)
		}
	}
	var failed *Error
	if err := do(t, d.Up(c)); !errors.As(err, &failed) || failed.ID != "PROVIDER_VIRTUALBOX_NOT_FOUND" || failed.Advice == "" {
		t.Errorf("up: %v", err)
	}
	must(t, store.WriteJSON(c.Path(ownerFile), owner{Cluster: c.ID, Profile: profile(c), Home: os.Getenv(homeVariable)}))
	got, err := d.Machines(t.Context(), c)
	must(t, err)
	for _, m := range got {
		if m.State != vm.MachineMissing {
			t.Errorf("machine %+v", m)
		}
	}
	must(t, do(t, d.Down(c)))
	if o, err := ownerOf(c); o != nil || err != nil {
		t.Errorf("the note is left: %+v, %v", o, err)
	}
}
