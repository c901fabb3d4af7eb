package libvirt

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"axolotl/internal/daemon"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/controlplane"
	"axolotl/vm/image"
	"axolotl/vm/kubeadm"
)

// world is a host of a test: directories, an image, and libvirt in memory.
type world struct {
	t    testing.TB
	home store.Home
	fake *fake

	realDisks bool // overlays are made by qemu-img, not by fakeOverlay

	// restore is in which form machines are kept; empty: as is proved.
	restore vm.Form

	farAway atomic.Bool // the other host does not answer, in a world that has one

	adapt func(*Driver) // changes each process's driver; nil: nothing
}

// newWorld makes a host with the node image of this release, as far as the
// driver looks at it.
func newWorld(t testing.TB) *world {
	t.Helper()
	dir := quickDir(t)
	w := &world{t: t, home: store.Home{State: filepath.Join(dir, "state"), Cache: filepath.Join(dir, "cache")}, fake: newFake(), restore: vm.Mapped}
	id, err := image.ID()
	w.must(err)
	w.imageFiles(id)
	t.Cleanup(w.endBalancers)
	return w
}

// balancers are the processes that this host's clusters are reached by.
func (w *world) balancers() []daemon.Process {
	w.t.Helper()
	ofWorld := func(p daemon.Process) bool { return strings.HasPrefix(p.Dir, w.home.State+"/") }
	balancers, err := kind.Find(ofWorld)
	w.must(err)
	tunnels, err := tunnelKind.Find(ofWorld)
	w.must(err)
	return append(balancers, tunnels...)
}

// endBalancers ends what a host that is thrown away has left.
func (w *world) endBalancers() {
	for _, p := range w.balancers() {
		for _, k := range []daemon.Kind{kind, tunnelKind} {
			w.must(k.Stop(context.Background(), p.Cluster, p.Component, balancerGrace, nil))
		}
	}
}

// quickDir is a directory in the host's memory, where that has room for what
// the driver asks for: what is written is synced to the disk otherwise, and that
// is most of these tests' time.
func quickDir(t testing.TB) string {
	t.Helper()
	const memory = "/dev/shm"
	if free, err := store.FreeBytes(memory); err != nil || free < 2*minimumFree {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "axolotl-test-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// imageFiles makes what image.Open takes for an image.
func (w *world) imageFiles(id string) {
	w.t.Helper()
	dir := filepath.Join(w.home.Cache, "images", id)
	w.must(os.MkdirAll(dir, 0o755))
	for _, name := range []string{"vmlinuz", "initrd.cpio", "root.ext4"} {
		w.must(os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644))
	}
	w.imageManifest(id, "digest")
}

// imageManifest says that an image is what is there, with a digest that nobody compares
// with what its files hold.
func (w *world) imageManifest(id, digest string) {
	w.t.Helper()
	dir := filepath.Join(w.home.Cache, "images", id)
	files := map[string]any{}
	for _, name := range []string{"vmlinuz", "initrd.cpio", "root.ext4"} {
		info, err := os.Stat(filepath.Join(dir, name))
		w.must(err)
		files[name] = map[string]any{"size": info.Size(), "modTime": info.ModTime(), "sha256": digest}
	}
	w.must(store.WriteJSON(filepath.Join(dir, "manifest.json"), map[string]any{"id": id, "files": files}))
}

// driver is a new process's driver: it knows nothing but what is on disk and
// in libvirt.
func (w *world) driver() *Driver {
	d := New(w.home, "qemu:///session")
	d.hypervisor, d.restore = w.fake, string(w.restore)
	d.nodeBinary = func(context.Context, store.Home, *term.Step) (string, error) { return "kubeadm", nil }
	d.credentials = fakeCredentials
	d.first = fakeFirst
	d.etcdutl = func(context.Context, store.Home, *term.Step) (string, error) { return "etcdutl", nil }
	d.divide = fakeDivide
	d.credential = func(ctx context.Context, program, dir string, config kubeadm.Config, _ string) error {
		return fakeCredentials(ctx, program, dir, config)
	}
	if !w.realDisks {
		d.overlay = fakeOverlay
	}
	d.Balancer = idleBalancer
	if w.adapt != nil {
		w.adapt(d)
	}
	return d
}

// idleBalancer is a process that has begun and does nothing.
func idleBalancer(string) (*exec.Cmd, error) {
	return exec.Command("sh", "-c", "echo balancing; exec sleep 600 >&2"), nil
}

// fakeOverlay notes what a disk lies over. There are thousands in these tests.
func fakeOverlay(_ context.Context, path, backing, format string, sizeGiB int) error {
	if _, err := os.Stat(backing); err != nil {
		return err
	}
	return os.WriteFile(path, fmt.Appendf(nil, "%d GiB over %s, %s", sizeGiB, backing, format), 0o600)
}

// fakeCredentials leaves files where kubeadm.Make does, and keeps what exists.
func fakeCredentials(_ context.Context, _, dir string, config kubeadm.Config) error {
	files := map[string]string{
		filepath.Join(kubeadm.SharedPKI(dir), "ca.key"): "the authority of " + config.ClusterName,
		kubeadm.AdminConf(dir): fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c",
"contexts":[{"name":"c","context":{"cluster":"c","user":"c"}}],"users":[{"name":"c","user":{}}],
"clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:%d"}}]}`, config.HostPort),
	}
	for _, node := range config.Nodes {
		files[filepath.Join(kubeadm.NodeDir(dir, node.Name), "kubelet.conf")] = "of " + node.Name
	}
	for path, text := range files {
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := store.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// fakeFirst leaves what an etcd would, which may be there in part.
func fakeFirst(_ context.Context, s *controlplane.Server, _ string) error {
	return store.WriteFile(filepath.Join(s.Data, "member", "snap", "db"), []byte("of "+s.PeerURL), 0o600)
}

// fakeDivide leaves to each member what the only one had.
func fakeDivide(_ context.Context, _, data string, members []controlplane.Member) error {
	only, err := os.ReadFile(filepath.Join(data, "member", "snap", "db"))
	if err != nil {
		return err
	}
	for _, m := range members {
		text := fmt.Sprintf("%s, divided: %s", only, m.PeerURL)
		if err := store.WriteFile(filepath.Join(m.Data, "member", "snap", "db"), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// errStarted ends an up when the driver has done its part: behind it an API
// server would be waited for, and there is none.
var errStarted = errors.New("the machines are started")

// untilStarted is a driver of whose clusters no more is asked than machines.
type untilStarted struct{ *Driver }

func (d untilStarted) Up(c *vm.Cluster) []vm.Action {
	return append(d.Driver.Up(c), vm.Action{Name: "Be started", Run: func(context.Context, *term.Step) error { return errStarted }})
}

func (d untilStarted) Join(c *vm.Cluster, names ...string) []vm.Action {
	return append(d.Driver.Join(c, names...), vm.Action{Name: "Be started", Run: func(context.Context, *term.Step) error { return errStarted }})
}

func (d untilStarted) Load(ctx context.Context, c *vm.Cluster, dir string, step *term.Step) (time.Time, []string, error) {
	resumed, running, err := d.Driver.Load(ctx, c, dir, step)
	if err == nil {
		err = errStarted
	}
	return resumed, running, err
}

// spec is what the clusters of tests are asked for: small, since the files of
// their memory are real.
func spec(workers int) vm.Spec {
	return vm.Spec{ControlPlanes: 1, Workers: workers, CPUs: 1, MemoryMiB: 4, DiskGiB: 10, Accel: AccelTCG}
}

func (w *world) clusters() cluster.Store { return cluster.Store{Home: w.home} }

func (w *world) open(*vm.Cluster) (vm.Driver, error) { return untilStarted{w.driver()}, nil }

func (w *world) options(name string, spec vm.Spec) cluster.UpOptions {
	return cluster.UpOptions{
		Name: name, Spec: spec, Cold: true, Open: w.open,
		Choose: func(context.Context) (vm.Driver, error) { return w.open(nil) },
	}
}

var quiet = term.NewProgress(io.Discard, true)

// up is 'axolotl up', as far as the driver goes.
func (w *world) up(options cluster.UpOptions) error {
	return started(w.clusters().Up(w.t.Context(), options, quiet))
}

// recreate is 'axolotl recreate', as far as the driver goes.
func (w *world) recreate(options cluster.UpOptions) error {
	return started(w.clusters().Recreate(w.t.Context(), options, quiet))
}

func started(_ *vm.Handle, err error) error {
	if errors.Is(err, errStarted) {
		return nil
	}
	if err == nil {
		return errors.New("up went on without an API server")
	}
	return err
}

// down is 'axolotl down'.
func (w *world) down(name string) error {
	return w.clusters().Down(w.t.Context(), name, cluster.DownOptions{Open: w.open, Salvage: []vm.Driver{w.driver()}}, quiet)
}

// healthy notes of a cluster what up does at its very end.
func (w *world) healthy(name string) {
	w.t.Helper()
	c := w.load(name)
	c.Phase = vm.PhaseUp
	if c.Golden != "" {
		c.Resumed = time.Now()
	}
	w.must(w.clusters().Save(c))
}

func (w *world) load(name string) *vm.Cluster {
	w.t.Helper()
	c, err := w.clusters().Load(name)
	w.must(err)
	return c
}

// look is all that there is, in lines: domains and files of the state. What is
// drawn at random, is a time or depends on what else the host runs has other
// words for itself.
func (w *world) look() []string {
	w.t.Helper()
	plain := w.plain()
	var lines []string
	w.fake.mu.Lock()
	for _, d := range w.fake.domains {
		kind := "persistent"
		if d.record == "" {
			kind = "transient"
		}
		lines = append(lines, fmt.Sprintf("domain %s of %s: %s, %s, incoming %t, record %s, running %s, clock set %t, hardware %+v",
			d.name, d.owner.Cluster, kind, d.state, d.incoming, digest(plain.Replace(d.record)), digest(plain.Replace(d.running)), !d.clock.IsZero(), d.hardware))
	}
	w.fake.mu.Unlock()
	for _, p := range w.balancers() {
		lines = append(lines, "process "+p.Component+" of "+filepath.Base(p.Dir))
	}
	err := filepath.WalkDir(w.home.State, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".lock") { // holds who had it last
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, w.home.State)
		if filepath.Base(path) == "snapshot.json" { // holds the time
			lines = append(lines, "snapshot "+name)
			return nil
		}
		if filepath.Base(path) != vm.RecordFile {
			lines = append(lines, "file "+name+": "+digest(plain.Replace(string(data))))
			return nil
		}
		var c vm.Cluster
		lines = append(lines, fmt.Sprintf("record %s: %v, %s, %s, golden %q, joining %v",
			name, json.Unmarshal(data, &c), c.Phase, c.Spec, c.Golden, c.Joining))
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	lines = append(lines, w.lookFar(plain)...)
	slices.Sort(lines)
	return lines
}

// lookFar is what there is on another host, directories too.
func (w *world) lookFar(plain plainer) []string {
	var lines []string
	top := filepath.Join(w.farDir(), ".local/share")
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == top {
			return err
		}
		name := plain.Replace(strings.TrimPrefix(path, top))
		if entry.IsDir() {
			lines = append(lines, "there "+name+"/")
			return nil
		}
		data, err := os.ReadFile(path)
		lines = append(lines, "there "+name+": "+digest(plain.Replace(string(data))))
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	return lines
}

func digest(text string) string {
	if text == "" {
		return "nothing"
	}
	return fmt.Sprintf("%.6x", sha256.Sum256([]byte(text)))
}

// plainer has words for the IDs and ports of some clusters.
type plainer struct {
	ids   *strings.Replacer
	ports map[string]string
}

var numbers = regexp.MustCompile(`\b[0-9]+\b`)

// Replace takes IDs before ports, and ports only as whole numbers: a random ID
// now and then begins as one of them.
func (p plainer) Replace(text string) string {
	return numbers.ReplaceAllStringFunc(p.ids.Replace(text), func(number string) string {
		return cmp.Or(p.ports[number], number)
	})
}

// plain has words for IDs and ports of the clusters on record.
func (w *world) plain() plainer {
	var ids []string
	ports := map[string]string{}
	word := func(value, format string, args ...any) {
		ids = append(ids, value, fmt.Sprintf(format, args...))
	}
	for _, c := range w.known() {
		word(c.ID, "ID-%s", c.Name)
		word(fmt.Sprintf("%.13s", c.ID), "SHORT-ID-%s", c.Name) // after the whole one
		for _, m := range c.Machines {
			if isRemote(hostOf(c, &m)) {
				word(networkOf(c, &m).Loopback, "LOOPBACK-%s", c.Name)
				word(networkOf(c, &m).Segment, "SEGMENT-%s", c.Name)
			}
			word(m.UUID, "UUID-%s-%s", c.Name, m.Name)
			word(strings.ReplaceAll(m.UUID, "-", ""), "UUID-%s-%s", c.Name, m.Name)
			for n := range portBlock {
				ports[strconv.Itoa(m.NodePortBase+n)] = fmt.Sprintf("PORT-%s-%s-%d", c.Name, m.Name, n)
			}
		}
	}
	return plainer{strings.NewReplacer(ids...), ports}
}

// differ are the lines in which an end is not as a clean one. A clock may be
// set where it need not have been.
func differ(clean, end []string) []string {
	var lines []string
	for _, line := range clean {
		if !slices.Contains(end, line) && !slices.Contains(end, strings.Replace(line, "clock set false", "clock set true", 1)) {
			lines = append(lines, "missing: "+line)
		}
	}
	for _, line := range end {
		if !slices.Contains(clean, line) && !slices.Contains(clean, strings.Replace(line, "clock set true", "clock set false", 1)) {
			lines = append(lines, "too much: "+line)
		}
	}
	return lines
}

// known are the clusters on record.
func (w *world) known() []*vm.Cluster {
	w.t.Helper()
	all, err := w.clusters().List()
	w.must(err)
	return all
}

// unknown are the domains of ours that no record names: whatever is there must
// be recorded before it is made.
func (w *world) unknown() []string {
	recorded := map[string]bool{}
	for _, c := range w.known() {
		for _, m := range c.Machines {
			recorded[m.UUID] = true
		}
	}
	var lost []string
	w.fake.mu.Lock()
	defer w.fake.mu.Unlock()
	for _, d := range w.fake.domains {
		if d.owner.ClusterID != "" && !recorded[d.uuid] {
			lost = append(lost, d.name)
		}
	}
	return lost
}

// assertEmpty sees to it that nothing of any cluster is left.
func (w *world) assertEmpty() {
	w.t.Helper()
	if left := w.look(); len(left) > 0 {
		w.t.Errorf("this is left:\n%s", strings.Join(left, "\n"))
	}
}
