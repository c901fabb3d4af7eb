package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"

	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/libvirt"
)

// vmCommands are what scripts with real VMs have beside scriptCommands. They
// look at libvirt past our own driver.
var vmCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"domains":        domains,
	"bootID":         bootID,
	"destroyDomain":  destroyDomain,
	"undefineDomain": undefineDomain,
	"wipeDisk":       wipeDisk,
	"foreignDomain":  foreignDomain,
	"answeredOnEach": answeredOnEach,
	"imageArchive":   imageArchive,
}

// longVariable has TestVM run the scripts too that take minutes and are not among
// those of each change.
const longVariable = "AXOLOTL_TEST_LONG"

// TestVM runs the scripts that make real machines, one after another: each
// takes both cores.
func TestVM(t *testing.T) {
	if testing.Short() {
		t.Skip("makes virtual machines")
	}
	home, err := store.FindHome()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/vm/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	long, err := filepath.Glob("testdata/vm/long/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv(longVariable) != "" {
		files = append(files, long...)
	} else {
		t.Logf("%d longer scripts are not run: that is done with %s=1", len(long), longVariable)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			testscript.RunT(sequential{t}, testscript.Params{
				Files:       []string{file},
				WorkdirRoot: vmWorkDir(t),
				Cmds:        merged(scriptCommands, vmCommands),
				Setup: func(env *testscript.Env) error {
					env.Defer(func() { endAll(t, env.WorkDir) })
					env.Defer(func() { removeDomains(t, env) })
					return enclose(env, home)
				},
			})
		})
	}
}

// sequential runs a script where it stands: testscript would run it in
// parallel to others.
type sequential struct{ *testing.T }

func (sequential) Parallel() {}

func (s sequential) Run(name string, fn func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) { fn(sequential{t}) })
}

func (s sequential) Verbose() bool { return testing.Verbose() }

func merged[V any](maps ...map[string]V) map[string]V {
	all := map[string]V{}
	for _, m := range maps {
		for name, value := range m {
			all[name] = value
		}
	}
	return all
}

// vmWorkDir is a directory that QEMU's own user can enter, as a test's usual
// one is not.
func vmWorkDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "axolotl-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// virsh runs virsh on the libvirt that the driver uses by default.
func virsh(args ...string) (string, error) {
	uri, _ := libvirt.DefaultURI()
	out, err := exec.Command("virsh", append([]string{"-q", "-c", uri}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// domainsUnder returns the names of the domains, running or not, that are
// described with a path under a directory.
func domainsUnder(dir string) ([]string, error) {
	out, err := virsh("list", "--all", "--name")
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.FieldsSeq(out) {
		// NOTE: one that has just gone is none.
		if description, err := virsh("dumpxml", name); err == nil && strings.Contains(description, dir) {
			names = append(names, name)
		}
	}
	return names, nil
}

// domains holds where so many domains are the script's:
//
//	domains COUNT
func domains(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	names, err := domainsUnder(ts.Getenv("WORK"))
	ts.Check(err)
	if len(names) != want {
		ts.Fatalf("%d domains, want %d: %v", len(names), want, names)
	}
}

// removeDomains removes what a script has left; to leave something is a
// failure of its own, but for the foreign domain that it made.
func removeDomains(t *testing.T, env *testscript.Env) {
	names, err := domainsUnder(env.WorkDir)
	if err != nil {
		t.Error(err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "axolotl-three-") {
			t.Errorf("domain %s is left: %s", name, lastWords(name))
		}
		_, _ = virsh("destroy", name) // it may be off
		if out, err := virsh("undefine", name); err != nil {
			t.Errorf("undefine %s: %v: %s", name, err, out)
		}
	}
}

// lastWords are where a domain's console ends, and where its processors are: of
// one that does not come up there is nothing else to be seen.
func lastWords(name string) string {
	var words []string
	description, _ := virsh("dumpxml", name)
	if found := regexp.MustCompile(`<log file='([^']+)'`).FindStringSubmatch(description); found != nil {
		said, _ := os.ReadFile(found[1])
		words = append(words, fmt.Sprintf("its console ends with %q", said[max(0, len(said)-600):]))
	}
	if registers, err := virsh("qemu-monitor-command", name, "--hmp", "info registers -a"); err == nil {
		for _, at := range regexp.MustCompile(`RIP=\S+`).FindAllString(registers, -1) {
			words = append(words, at)
		}
	}
	return strings.Join(words, "; ")
}

// bootID writes the boot ID of a cluster's first machine into a file, as the
// machine itself says it:
//
//	bootID CLUSTER FILE
func bootID(ts *testscript.TestScript, _ bool, args []string) {
	c, driver := opened(ts, args[0])
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	id, err := driver.Exec(ctx, c, c.Machines[0].Name, "/bin/cat", "/proc/sys/kernel/random/boot_id")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(id), 0o600))
}

// destroyDomain cuts the power of a cluster's first machine behind our back:
//
//	destroyDomain CLUSTER
func destroyDomain(ts *testscript.TestScript, _ bool, args []string) {
	out, err := virsh("destroy", "axolotl-"+args[0]+"-cp-1")
	if err != nil {
		ts.Fatalf("%v: %s", err, out)
	}
}

// undefineDomain takes a cluster's first machine away behind our back:
//
//	undefineDomain CLUSTER
func undefineDomain(ts *testscript.TestScript, _ bool, args []string) {
	destroyDomain(ts, false, args)
	if out, err := virsh("undefine", "axolotl-"+args[0]+"-cp-1"); err != nil {
		ts.Fatalf("%v: %s", err, out)
	}
}

// wipeDisk overwrites the start of the root disk of a cluster's first machine
// from inside:
//
//	wipeDisk CLUSTER
func wipeDisk(ts *testscript.TestScript, _ bool, args []string) {
	c, driver := opened(ts, args[0])
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := driver.Exec(ctx, c, c.Machines[0].Name, "/bin/dd", "if=/dev/zero", "of=/dev/vda", "bs=1M", "count=64", "conv=fsync")
	ts.Check(err)
}

// opened is a cluster of the script's, and its driver.
func opened(ts *testscript.TestScript, name string) (*vm.Cluster, *libvirt.Driver) {
	clusters := cluster.Store{Home: store.Home{State: filepath.Dir(ts.Getenv("CLUSTERS"))}}
	c, err := clusters.Load(name)
	ts.Check(err)
	return c, libvirt.New(clusters.Home, c.URI, libvirt.Hosts(c)...)
}

// foreignDomain defines a domain that is not ours:
//
//	foreignDomain NAME
func foreignDomain(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs("foreign.xml")
	description := `<domain type="qemu"><name>` + args[0] + `</name><memory unit="MiB">64</memory><vcpu>1</vcpu>
<os><type arch="x86_64">hvm</type><kernel>` + ts.MkAbs("nothing") + `</kernel></os></domain>`
	ts.Check(os.WriteFile(file, []byte(description), 0o600))
	out, err := virsh("define", file)
	if err != nil {
		ts.Fatalf("%v: %s", err, out)
	}
}

// imageArchive makes an archive of an image with nothing to run, as 'docker
// save' does:
//
//	imageArchive FILE NAME
func imageArchive(ts *testscript.TestScript, _ bool, args []string) {
	image, err := random.Image(1<<20, 2)
	ts.Check(err)
	config, err := image.ConfigFile()
	ts.Check(err)
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	image, err = mutate.ConfigFile(image, config)
	ts.Check(err)
	tag, err := name.NewTag(args[1])
	ts.Check(err)
	ts.Check(tarball.WriteToFile(ts.MkAbs(args[0]), tag, image))
}

// answeredOnEach holds when the port of every machine of a cluster, asked from
// the host, is answered by as many pods as the cluster has machines: by the one
// beside it and by those across the segment:
//
//	answeredOnEach CLUSTER NODEPORT
func answeredOnEach(ts *testscript.TestScript, _ bool, args []string) {
	c, _ := opened(ts, args[0])
	port, err := strconv.Atoi(args[1])
	ts.Check(err)
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range c.Machines {
		m := &c.Machines[i]
		address, err := m.NodePortAddress(port)
		ts.Check(err)
		pods := map[string]bool{}
		var last error
		for limit := time.Now().Add(awaitLimit); len(pods) < len(c.Machines); {
			if time.Now().After(limit) {
				ts.Fatalf("port %d of %s is answered by %v only, of %d pods: %v", port, m.Name, pods, len(c.Machines), last)
			}
			answer, err := client.Get("http://" + address + "/")
			if last = err; err != nil {
				continue
			}
			body, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if last = err; err == nil {
				pods[string(body)] = true
			}
		}
	}
}
