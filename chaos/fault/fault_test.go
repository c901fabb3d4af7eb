package fault

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"axolotl/internal/kube"
	"axolotl/vm"
)

func TestEveryFaultKeepsItsContract(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range All() {
		d := f.Doc()
		if f.Name() == "" || seen[f.Name()] || d.Does == "" || d.Needs == "" || d.Proved == "" || d.Undone == "" {
			t.Errorf("fault %q has no name of its own, or says too little of itself: %+v", f.Name(), d)
		}
		seen[f.Name()] = true
		spec, err := SpecOf(f)
		if err != nil {
			t.Errorf("%s: %v", f.Name(), err)
		}
		if back, err := spec.Fault(); err != nil || back.Name() != f.Name() {
			t.Errorf("%s does not survive a file: %v, %v", f.Name(), back, err)
		}
	}
}

func TestSettingsSurviveAFile(t *testing.T) {
	grace := 3 * time.Second
	spec, err := SpecOf(&PodDeletion{GracePeriod: &grace, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var back Spec
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	f, err := back.Fault()
	if p, ok := f.(*PodDeletion); err != nil || !ok || *p.GracePeriod != grace || !p.Force {
		t.Errorf("%s became %#v, %v", data, f, err)
	}
}

// TestNoSettingBecomesItsDefault: one that is nothing is so after a file, whatever the
// default is, for the undo goes by it.
func TestNoSettingBecomesItsDefault(t *testing.T) {
	for _, f := range All() {
		settings := reflect.ValueOf(Settings(f)).Elem()
		for _, field := range reflect.VisibleFields(settings.Type()) {
			if field.Tag.Get("yaml") != "" && !field.Anonymous {
				settings.FieldByIndex(field.Index).SetZero()
			}
		}
		spec, err := SpecOf(f)
		must(t, err)
		back, err := spec.Fault()
		must(t, err)
		if got := Settings(back); !reflect.DeepEqual(got, Settings(f)) {
			t.Errorf("%s: %+v became %+v", f.Name(), Settings(f), got)
		}
	}
}

func TestUnknownFault(t *testing.T) {
	if _, err := New("meteor"); err == nil || !strings.Contains(err.Error(), "pod-deletion") {
		t.Errorf("error %v does not say what there is", err)
	}
}

// plug is a driver whose machines are on or off.
type plug struct {
	vm.Driver
	on     map[string]bool
	bootID string
	traits vm.Traits
}

func (p *plug) Name() string      { return "plug" }
func (p *plug) Traits() vm.Traits { return p.traits }
func (p *plug) PowerOff(_ context.Context, _ *vm.Cluster, machine string) error {
	p.on[machine] = false
	return nil
}
func (p *plug) PowerOn(_ context.Context, _ *vm.Cluster, machine string) error {
	p.on[machine] = true
	return nil
}
func (p *plug) Machines(context.Context, *vm.Cluster) ([]vm.MachineStatus, error) {
	state := vm.MachineStopped
	if p.on["n1"] {
		state = vm.MachineRunning
	}
	return []vm.MachineStatus{{Name: "n1", State: state}}, nil
}
func (p *plug) Exec(context.Context, *vm.Cluster, string, ...string) (string, error) {
	if !p.on["n1"] {
		return "", errors.New("the machine is off")
	}
	return p.bootID + "\n", nil
}

// TestPowerCutIsProvedByTheMachine cuts and gives back power: what the cluster
// still says of the boot before proves nothing.
func TestPowerCutIsProvedByTheMachine(t *testing.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", UID: "u1"}}
	node.Status.NodeInfo.BootID = "boot1"
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	client := fake.NewClientset(node)
	driver := &plug{on: map[string]bool{"n1": true}, bootID: "boot1"}
	h := &vm.Handle{
		Cluster: &vm.Cluster{Name: "c", Machines: []vm.Machine{{Name: "n1"}}}, Driver: driver, Kube: &kube.Client{Typed: client},
	}
	ctx, f := t.Context(), &PowerCut{}
	if err := f.Available(t.Context(), &vm.Handle{Driver: &inside{}}); err == nil || !strings.Contains(err.Error(), "--driver libvirt") {
		t.Errorf("machines that have no power have it cut: %v", err)
	}
	if err := f.Available(t.Context(), h); err != nil {
		t.Error(err)
	}
	objects, err := f.Prepare(ctx, h, []Target{{Kind: "Node", Name: "n1", UID: "u1"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Injected(ctx, h, objects); err == nil {
		t.Error("the cut is proved before it was made")
	}
	if err := f.Inject(ctx, h, objects); err != nil {
		t.Fatal(err)
	}
	if proof, err := f.Injected(ctx, h, objects); err != nil || proof != "machine n1 is stopped" {
		t.Errorf("proof %q, error %v", proof, err)
	}
	if _, err := f.Undone(ctx, h, objects); err == nil {
		t.Error("the undo is proved while the power is off")
	}
	for range 2 { // an undo is idempotent
		if err := f.Undo(ctx, h, objects); err != nil {
			t.Fatal(err)
		}
	}
	driver.bootID = "boot2"
	if _, err := f.Undone(ctx, h, objects); err == nil || !strings.Contains(err.Error(), "knows only of boot1") {
		t.Errorf("a Ready of the boot before was taken for proof: %v", err)
	}
	node.Status.NodeInfo.BootID = "boot2"
	if _, err := client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if proof, err := f.Undone(ctx, h, objects); err != nil || proof != "machine n1 is running; node n1 is Ready in boot boot2" {
		t.Errorf("proof %q, error %v", proof, err)
	}

	// Somebody deleted the node meanwhile: it is back when it has registered anew.
	if err := client.CoreV1().Nodes().Delete(ctx, "n1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Undone(ctx, h, objects); err == nil || !strings.Contains(err.Error(), "n1 has not registered") {
		t.Errorf("a node that is not there was taken for proof: %v", err)
	}
	node.UID = "u2"
	if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Undone(ctx, h, objects); err != nil {
		t.Error(err)
	}
	// Its machine was taken out of the cluster: there is nothing to give power to.
	h.Cluster.Machines = nil
	if err := f.Undo(ctx, h, objects); err != nil {
		t.Error(err)
	}
	if proof, err := f.Undone(ctx, h, objects); err != nil || !strings.Contains(proof, "n1 is gone") {
		t.Errorf("proof %q, error %v", proof, err)
	}
}

func TestPodWithoutControllerIsRefused(t *testing.T) {
	h := &vm.Handle{Kube: &kube.Client{Typed: fake.NewClientset(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n", UID: "u"}})}}
	_, err := (&PodDeletion{}).Prepare(t.Context(), h, []Target{{Kind: "Pod", Namespace: "n", Name: "p", UID: "u"}})
	if err == nil || !strings.Contains(err.Error(), "no controller") {
		t.Errorf("error %v: nothing would bring that pod back", err)
	}
}
