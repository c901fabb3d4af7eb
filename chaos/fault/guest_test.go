package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// inside is a driver with a machine that notes what is run in it. The state of
// the fault in it is that of the last script that succeeded.
type inside struct {
	vm.Driver
	guest  *guest
	broken bool
	boot   string
	failAt int // the call that fails; 0 for none
	lostAt int // the call that is done, and whose answer is lost; 0 for none
	calls  int
	resets int
	bad    []string // scripts that are no shell
}

func (d *inside) Name() string      { return "inside" }
func (d *inside) Traits() vm.Traits { return vm.Traits{RealMachines: true, RealPods: true} }
func (d *inside) Machines(context.Context, *vm.Cluster) ([]vm.MachineStatus, error) {
	return []vm.MachineStatus{{Name: "n1", State: vm.MachineRunning}}, nil
}

// call is the frame of all that is done to the machine.
func (d *inside) call(do func() error) error {
	d.calls++
	if d.calls == d.failAt {
		return errors.New("it does not answer")
	}
	err := do()
	if d.calls == d.lostAt {
		return errors.New("its answer is lost")
	}
	return err
}

func (d *inside) Reset(context.Context, *vm.Cluster, string) error {
	return d.call(func() error {
		d.resets++
		d.broken, d.boot = false, "boot2"
		return nil
	})
}

func (d *inside) Exec(_ context.Context, _ *vm.Cluster, _ string, argv ...string) (said string, err error) {
	err = d.call(func() (err error) {
		said, err = d.exec(argv)
		return err
	})
	return said, err
}

func (d *inside) exec(argv []string) (string, error) {
	if argv[0] == "cat" {
		if d.broken && d.guest.fatal {
			return "", errors.New("the machine does not answer")
		}
		return d.boot, nil
	}
	script := argv[2]
	if out, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil {
		d.bad = append(d.bad, fmt.Sprintf("%s\n%s", script, out))
	}
	ends := func(with string) bool { return with != "" && strings.HasSuffix(script, "'\n"+with) }
	switch c := d.guest.commands; {
	case ends(c.Was):
		return "100", nil
	case ends(c.Inject):
		d.broken = true
		return "", nil
	case ends(c.Undo):
		if d.broken && d.guest.fatal {
			return "", errors.New("the machine does not answer")
		}
		d.broken = false
		return "", nil
	case ends(c.Injected) && d.broken, ends(c.Undone) && !d.broken:
		return "seen", nil
	case ends(c.Injected), ends(c.Undone):
		return "", errors.New("exit code 1")
	}
	return "", fmt.Errorf("this is none of its scripts: %s", script)
}

// machineWith is a cluster of two machines whose driver is d.
func machineWith(d *inside) *vm.Handle {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", UID: "u1"}}
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	node.Status.NodeInfo.BootID = d.boot
	yes := true
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n", UID: "u2", OwnerReferences: []metav1.OwnerReference{{Controller: &yes}}}}
	pod.Spec = corev1.PodSpec{NodeName: "n1", Containers: []corev1.Container{{Name: "main", ReadinessProbe: asks(corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{}})}}}
	pod.Status.PodIP = "10.244.1.2"
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", ContainerID: "containerd://abc", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	return &vm.Handle{
		Cluster: &vm.Cluster{Name: "c", Machines: []vm.Machine{{Name: "n1", Address: "10.88.0.11"}, {Name: "n2", Address: "10.88.0.12"}}},
		Driver:  d, Kube: &kube.Client{Typed: fake.NewClientset(node, pod)},
	}
}

func asks(how corev1.ProbeHandler) *corev1.Probe { return &corev1.Probe{ProbeHandler: how} }

// TestReadinessLostNeedsAProbe: on a pod that is ready whatever the network does, nothing
// would come of it, and the pod's app would be blamed for that.
func TestReadinessLostNeedsAProbe(t *testing.T) {
	for name, test := range map[string]struct {
		probe *corev1.Probe
		will  bool
	}{
		"none":            {nil, false},
		"a command":       {asks(corev1.ProbeHandler{Exec: &corev1.ExecAction{}}), false},
		"another address": {asks(corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "10.0.0.1"}}), false},
		"HTTP":            {asks(corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{}}), true},
		"TCP":             {asks(corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{}}), true},
		"gRPC":            {asks(corev1.ProbeHandler{GRPC: &corev1.GRPCAction{}}), true},
	} {
		f := newReadinessLost().(*guest)
		d := &inside{guest: f, boot: "boot1"}
		h := machineWith(d)
		pods := h.Kube.Typed.CoreV1().Pods("n")
		pod, err := pods.Get(t.Context(), "p", metav1.GetOptions{})
		must(t, err)
		pod.Spec.Containers[0].ReadinessProbe = test.probe
		_, err = pods.Update(t.Context(), pod, metav1.UpdateOptions{})
		must(t, err)
		_, err = f.Prepare(t.Context(), h, aim(f))
		if (err == nil) != test.will || err != nil && (!strings.Contains(err.Error(), "Pod n/p") || !strings.Contains(err.Error(), "readiness probe") || d.calls > 0) {
			t.Errorf("%s: %v, after %d calls", name, err, d.calls)
		}
	}
}

// aim is a target on the first machine, of the kind that a fault acts on.
func aim(f Fault) []Target {
	if f.Effect().On == OnPods {
		return []Target{{Kind: OnPods, Namespace: "n", Name: "p", UID: "u2"}}
	}
	return []Target{{Kind: OnNodes, Name: "n1", UID: "u1"}}
}

func guests() []*guest {
	var all []*guest
	for _, f := range All() {
		if g, ok := f.(*guest); ok {
			all = append(all, g)
		}
	}
	return all
}

// TestGuestFaultsFailAtEveryCall lets each call to the machine fail once, before
// it is done and after, while a fault is injected and while it is undone: what was
// begun is undone by another life of the fault that knows only what stands in the
// journal.
func TestGuestFaultsFailAtEveryCall(t *testing.T) {
	if len(guests()) < 10 {
		t.Fatalf("only %d guest faults", len(guests()))
	}
	for _, f := range guests() {
		t.Run(f.Name(), func(t *testing.T) {
			d := &inside{guest: f, boot: "boot1"}
			if err := live(t, f, d); err != nil { // which counts the calls
				t.Fatal(err)
			}
			for at := 1; at <= d.calls; at++ {
				live(t, f, &inside{guest: f, boot: "boot1", failAt: at}) //nolint:errcheck // it fails
				live(t, f, &inside{guest: f, boot: "boot1", lostAt: at}) //nolint:errcheck // it fails
			}
		})
	}
}

// live takes a fault through its life up to the first error, which it returns, and
// then has another life undo it.
func live(t *testing.T, f *guest, d *inside) error {
	t.Helper()
	h, ctx := machineWith(d), t.Context()
	objects, err := f.Prepare(ctx, h, aim(f))
	if err == nil {
		err = f.Inject(ctx, h, objects)
	}
	if err == nil {
		_, err = f.Injected(ctx, h, objects)
	}
	if err == nil && !d.broken {
		t.Errorf("call %d fails, or the answer to %d is lost: it is proved, and not broken", d.failAt, d.lostAt)
	}
	if err == nil {
		err = f.Undo(ctx, h, objects)
	}
	what := fmt.Sprintf("call %d failed, or the answer to %d was lost, of %d", d.failAt, d.lostAt, d.calls)
	d.failAt, d.lostAt = 0, 0
	spec, specErr := SpecOf(f)
	must(t, specErr)
	again, specErr := spec.Fault()
	must(t, specErr)
	for range 2 {
		must(t, again.Undo(ctx, h, kept(t, objects)))
	}
	if d.broken && f.effect.Takes != TakesBoots { // it comes back by itself
		t.Errorf("%s: left broken", what)
	}
	for _, script := range d.bad {
		t.Errorf("no shell script: %s", script)
	}
	if f.fatal && (d.resets > 0 || d.broken) {
		return err // Undone waits for what the fake's node never tells
	}
	if _, err := again.Undone(ctx, h, kept(t, objects)); err != nil && len(objects) > 0 {
		t.Errorf("%s: not proved to be undone: %v", what, err)
	}
	return err
}

// TestUndoneIsNotProvedWhileBroken: a proof must be able to fail.
func TestUndoneIsNotProvedWhileBroken(t *testing.T) {
	for _, f := range guests() {
		d := &inside{guest: f, boot: "boot1"}
		h, ctx := machineWith(d), t.Context()
		objects, err := f.Prepare(ctx, h, aim(f))
		must(t, err)
		if words, err := f.Injected(ctx, h, objects); err == nil {
			t.Errorf("%s is proved before it was done: %s", f.Name(), words)
		}
		must(t, f.Inject(ctx, h, objects))
		if words, err := f.Undone(ctx, h, objects); err == nil {
			t.Errorf("the undo of %s is proved while it is broken: %s", f.Name(), words)
		}
	}
}

func TestKernelPanicIsUndoneByAReset(t *testing.T) {
	f := newKernelPanic().(*guest)
	d := &inside{guest: f, boot: "boot1"}
	h, ctx := machineWith(d), t.Context()
	objects, err := f.Prepare(ctx, h, aim(f))
	must(t, err)
	must(t, f.Inject(ctx, h, objects))
	must(t, f.Undo(ctx, h, objects))
	if d.resets != 1 {
		t.Errorf("%d resets", d.resets)
	}
	must(t, f.Undo(ctx, h, objects))
	if d.resets != 1 {
		t.Errorf("a machine that answers was reset: %d resets", d.resets)
	}
	if _, err := f.Undone(ctx, h, objects); err == nil {
		t.Error("the Ready of the boot before was taken for proof")
	}
}

func TestPreludeQuotes(t *testing.T) {
	f := newClockJump().(*guest)
	o := Object{Prior: map[string]string{priorWas: "it's $HOME; `x`"}}
	out, err := exec.Command("sh", "-c", f.prelude(o)+"printf %s \"$was\"").CombinedOutput()
	if err != nil || string(out) != o.Prior[priorWas] {
		t.Errorf("%s, %v", out, err)
	}
}

// TestClockScriptsMeasure runs the scripts that measure, as they are, on this
// machine: its clock is right, and so not five minutes off.
func TestClockScriptsMeasure(t *testing.T) {
	f := newClockJump().(*guest)
	run := func(was, script string) (string, error) {
		out, err := exec.Command("sh", "-c", f.prelude(Object{Prior: map[string]string{priorWas: was}})+script).Output()
		return strings.TrimSpace(string(out)), err
	}
	was, err := run("", f.commands.Was)
	must(t, err)
	if out, err := run(was, f.commands.Undone); err != nil {
		t.Errorf("a clock that was not touched: %s, %v", out, err)
	}
	if out, err := run(was, f.commands.Injected); err == nil {
		t.Errorf("a clock that was not touched is said to have jumped: %s", out)
	}
}

// TestClockAfterABoot runs the scripts on a clock that can be set: one that a boot
// has put right meanwhile stays right, and one that was off is so again.
func TestClockAfterABoot(t *testing.T) {
	f := newClockJump().(*guest)
	dir := t.TempDir()
	offset, up := filepath.Join(dir, "offset"), filepath.Join(dir, "up") // s
	set := func(file string, value int) { must(t, os.WriteFile(file, []byte(strconv.Itoa(value)), 0o600)) }
	run := func(was, script string) (string, error) {
		words := fmt.Sprintf(`date() {
	case $1 in
	-s) at=${2#@}; echo $((${at%%.*} - $(command date +%%s))) >%[1]s;;
	+%%s%%N) echo $((($(command date +%%s) + $(cat %[1]s)) * 1000000000));;
	esac
}
`, offset)
		script = strings.ReplaceAll(f.prelude(Object{Prior: map[string]string{priorWas: was}})+words+script, "/proc/uptime", up)
		out, err := exec.Command("sh", "-c", script).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	for _, off := range []int{0, -60} {
		for _, boots := range []bool{false, true} {
			set(offset, off)
			must(t, os.WriteFile(up, []byte("5000.00 1.0\n"), 0o600))
			was, err := run("", f.commands.Was)
			must(t, err)
			do := func(script string, wanted bool) {
				t.Helper()
				if out, err := run(was, script); (err == nil) != wanted {
					t.Errorf("off by %d s, boots %t: %s, %v", off, boots, out, err)
				}
			}
			do(f.commands.Injected, false)
			do(f.commands.Inject, true)
			do(f.commands.Injected, true)
			do(f.commands.Undone, false)
			if boots {
				set(offset, 0)
				must(t, os.WriteFile(up, []byte("7.00 1.0\n"), 0o600))
			}
			for range 2 {
				do(f.commands.Undo, true)
				do(f.commands.Undone, true)
			}
			now, err := os.ReadFile(offset)
			must(t, err)
			if got, err := strconv.Atoi(strings.TrimSpace(string(now))); err != nil || got < off-2 || got > off+2 {
				t.Errorf("off by %d s, boots %t: it is off by %d s afterwards, %v", off, boots, got, err)
			}
		}
	}
}

// TestGuestFaultsNeedMachines holds each to say why not, and what to do.
func TestGuestFaultsNeedMachines(t *testing.T) {
	h := &vm.Handle{Cluster: &vm.Cluster{Name: "c"}, Driver: &plug{}}
	for _, f := range All() {
		needs := f.Available(t.Context(), h) != nil
		_, isGuest := f.(*guest)
		if isGuest && !needs {
			t.Errorf("%s is available on simulated machines", f.Name())
		}
		if err := f.Available(t.Context(), h); err != nil && !strings.Contains(err.Error(), "; use ") {
			t.Errorf("%s: %q does not say what to do", f.Name(), err)
		}
	}
	lone := machineWith(&inside{})
	lone.Cluster.Machines = lone.Cluster.Machines[:1]
	for _, name := range []string{"network-partition", "slow-network", "network-bandwidth", "vm-ruined"} {
		f, err := New(name)
		must(t, err)
		if err := f.Available(t.Context(), lone); err == nil {
			t.Errorf("%s is available on one machine", name)
		}
	}
}

// What a fault does to a pod is done on the machine that the pod is on, and the
// scripts know it.
func TestGuestFaultOnAPod(t *testing.T) {
	f := newContainerKill().(*guest)
	h := machineWith(&inside{guest: f, boot: "boot1"})
	objects, err := f.Prepare(t.Context(), h, aim(f))
	must(t, err)
	if machineOf(objects[0]) != "n1" {
		t.Errorf("machine %q", machineOf(objects[0]))
	}
	out, err := exec.Command("sh", "-c", f.prelude(objects[0])+`echo "$machine $uid $ip $name $container"`).CombinedOutput()
	if err != nil || string(out) != "n1 u2 10.244.1.2 main abc\n" {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := f.Prepare(t.Context(), h, []Target{{Kind: OnPods, Namespace: "n", Name: "p", UID: "another"}}); !vanished(err) {
		t.Errorf("another pod of the name: %v", err)
	}
	h.Cluster.Machines = h.Cluster.Machines[1:]
	if _, err := f.Prepare(t.Context(), h, aim(f)); err == nil || !strings.Contains(err.Error(), "no machine of cluster") {
		t.Errorf("a pod on no machine of ours: %v", err)
	}
}

// TestContainerScripts runs the scripts that look for a container against a ctr
// that knows one pod with two containers.
func TestContainerScripts(t *testing.T) {
	f := newContainerKill().(*guest)
	const ctr = `ctr() {
	case "$*" in
	"-n k8s.io containers ls -q labels.\"io.kubernetes.pod.uid\"==u2,labels.\"io.kubernetes.container.name\"==main") echo abc; echo $started;;
	*"containers ls"*) ;;
	*"tasks ls") printf 'TASK    PID    STATUS\nffff    7      RUNNING\n%s    9      STOPPED\n' "$stopped"; [ -z "$started" ] || echo "$started    11      RUNNING";;
	esac
}
`
	run := func(o Object, stopped, started, script string) (string, error) {
		prelude := fmt.Sprintf("%s%sstopped=%s\nstarted=%s\n", f.prelude(o), ctr, stopped, started)
		out, err := exec.Command("sh", "-c", prelude+script).Output()
		return strings.TrimSpace(string(out)), err
	}
	o := Object{Target: aim(f)[0], Prior: map[string]string{priorMachine: "n1", priorContainer: "main", priorContainerID: "abc"}}
	for name, test := range map[string]struct {
		stopped, started, script string
		proved                   bool
	}{
		"it runs":          {"eee", "abc", f.commands.Injected, false},
		"killed":           {"abc", "", f.commands.Injected, true},
		"started anew":     {"abc", "def", f.commands.Injected, true},
		"not back":         {"abc", "", f.commands.Undone, false},
		"back":             {"abc", "def", f.commands.Undone, true},
		"was never killed": {"eee", "abc", f.commands.Undone, true},
	} {
		if out, err := run(o, test.stopped, test.started, test.script); (err == nil) != test.proved || test.proved && out == "" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
	o.UID = "gone"
	if out, err := run(o, "abc", "", f.commands.Undone); err != nil || out != "the pod is gone" {
		t.Errorf("a pod that is gone: %q, %v", out, err)
	}
}

// TestMemoryScript counts what processes hold as they are: one that has ended and
// was not waited for holds nothing, and is in nobody's way.
func TestMemoryScript(t *testing.T) {
	f := newPodMemoryPressure().(*guest)
	group := t.TempDir()
	must(t, os.WriteFile(filepath.Join(group, "memory.events"), []byte("oom 0\noom_kill 0\n"), 0o600))
	ours := filepath.Join(group, "axolotl-chaos-ab12")
	must(t, os.Mkdir(ours, 0o700))
	injected := func(pids ...int) (string, error) {
		list := strings.Trim(fmt.Sprint(pids), "[]")
		must(t, os.WriteFile(filepath.Join(ours, "cgroup.procs"), []byte(list), 0o600))
		out, err := exec.Command("sh", "-c", f.prelude(Object{Target: aim(f)[0], Prior: map[string]string{priorWas: group + " 0 ab12"}})+f.commands.Injected).CombinedOutput()
		return string(out), err
	}
	ended := exec.Command("true")
	must(t, ended.Start())
	t.Cleanup(func() { _ = ended.Wait() })
	holder := exec.Command("dd", "if=/dev/zero", "bs=64M", "count=1")
	pipe, err := holder.StdoutPipe() // which nobody reads
	must(t, err)
	defer pipe.Close()
	must(t, holder.Start())
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
	if out, err := injected(ended.Process.Pid); err == nil || strings.Contains(out, "arithmetic") {
		t.Errorf("nothing is held: %s, %v", out, err)
	}
	var out string
	for range 100 { // until dd has filled its block
		if out, err = injected(ended.Process.Pid, holder.Process.Pid); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil || !strings.Contains(out, " MiB more are held") {
		t.Errorf("64 MiB are held: %s, %v", out, err)
	}
}

// TestPodFaultsKeepApart: what two faults make in one container has two names, and
// the undo of one, which knows what the journal holds, leaves the other's.
func TestPodFaultsKeepApart(t *testing.T) {
	root := t.TempDir()
	must(t, os.WriteFile(filepath.Join(root, "memory.events"), []byte("oom_kill 0\n"), 0o600))
	run := func(f *guest, was, script string) string {
		t.Helper()
		words := "ctr() { echo \"abc    $$    RUNNING\"; }\n"
		for _, there := range []string{"/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/$pid/cgroup)", "/proc/$pid/root"} {
			script = strings.ReplaceAll(script, there, root)
		}
		o := Object{Target: aim(f)[0], Prior: map[string]string{priorWas: was, priorContainerID: "abc"}}
		out, err := exec.Command("sh", "-c", f.prelude(o)+words+script).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s\n%s", err, out, script)
		}
		return strings.TrimSpace(string(out))
	}
	f := newPodDiskFull().(*guest)
	f.with.(*podRoom).MiB = 1
	var noted []string
	for range 2 {
		was := run(f, "", f.commands.Was)
		run(f, was, f.commands.Inject)
		noted = append(noted, was)
	}
	run(f, noted[0], f.commands.Undo)
	run(f, noted[0], f.commands.Undone)
	run(f, noted[1], f.commands.Injected)
	files, err := filepath.Glob(filepath.Join(root, "*.fill"))
	if err != nil || len(files) != 1 {
		t.Errorf("left are %v, %v", files, err)
	}
	cpu := newPodCPUPressure().(*guest)
	if one, other := run(cpu, noted[0], ourGroup+"echo $ours"), run(cpu, noted[1], ourGroup+"echo $ours"); one == other || !strings.HasPrefix(one, root+"/axolotl-chaos-") {
		t.Errorf("the groups are %q and %q", one, other)
	}
}
