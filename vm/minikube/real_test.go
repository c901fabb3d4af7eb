package minikube

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"axolotl/internal/store"
	"axolotl/vm"
)

// needReal gives a test the minikube that is installed, with a home and a
// kubeconfig that are nobody's.
func needReal(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip("there is no minikube in PATH: what it says is known from its sources only")
	}
	t.Setenv(homeVariable, t.TempDir())
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "config"))
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
