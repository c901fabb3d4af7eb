package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"axolotl/chaos/incluster"
	"axolotl/chaos/journal"
	"axolotl/internal/check"
)

// town is a cluster in which replicas of serve live, as processes that have the
// rights of the service account, and no others.
type town struct {
	*soak
	kubeconfig string
	replicas   int
}

// TestInCluster has replicas that share a cluster lose their leader in the
// middle of a run: by SIGKILL, by being stopped for longer than the lease, and
// by SIGTERM. Each time the fault is undone, and no firing runs twice.
func TestInCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	t.Parallel()
	c := newTown(t)
	c.apply(`
apiVersion: axolotl.dev/v1
kind: Schedule
metadata: {name: zero, namespace: axolotl}
spec: {experiment: [scale-to-zero], cron: "@every 5s", with: {namespace: shop, deployment: web}}
---
apiVersion: axolotl.dev/v1
kind: Schedule
metadata: {name: never, namespace: axolotl}
spec: {experiment: [pod-deletion], cron: "61 * * * *", with: {namespace: shop, deployment: web}}
---
apiVersion: axolotl.dev/v1
kind: Schedule
metadata: {name: power, namespace: axolotl}
spec: {experiment: [node-power-cut], cron: "@every 1m", concurrency: queue, with: {namespace: shop, deployment: web}}
`)
	first := c.replica()
	first.leads()
	second := c.replica()
	second.answers()

	// SIGKILL: the other one undoes, and goes on.
	run := c.struck()
	first.kill()
	second.leads()
	c.undone(run)
	if by := c.outcomes("interrupted"); len(by) != 1 {
		t.Errorf("interrupted: %v", by)
	}
	c.finishes(second)

	// A leader that sleeps for longer than its lease finds that it leads no more,
	// and changes nothing.
	third := c.replica()
	third.answers()
	run = c.struck()
	second.signal(syscall.SIGSTOP)
	third.leads()
	c.undone(run)
	second.signal(syscall.SIGCONT)
	if err := second.wait(); err == nil || !strings.Contains(second.log(), incluster.ErrLost.Error()) {
		t.Errorf("it ended with %v, and said\n%s", err, second.log())
	}
	c.finishes(third)

	// What cannot be used, or had, is said, and harms no other.
	if got := c.kubectl("get", "schedules", "never", "-n", "axolotl", "-o", `jsonpath={.status.conditions[0].status} {.status.conditions[0].message}`); !strings.HasPrefix(got, "False") || !strings.Contains(got, "cron") {
		t.Errorf("the condition of a schedule that is wrong: %q", got)
	}
	c.until("the power cut is refused", func() error {
		power := c.status("power")
		if len(power.Runs) == 0 || power.Runs[0].Verdict != "refused" || !strings.Contains(power.Runs[0].Reason, "node-power-cut") {
			return fmt.Errorf("%+v", power)
		}
		return nil
	})

	// SIGTERM: it undoes, gives the lease back, and ends well.
	run = c.struck()
	third.signal(syscall.SIGTERM)
	if err := third.wait(); err != nil {
		t.Errorf("it ended with %v, and said\n%s", err, third.log())
	}
	c.undone(run)
	if got := c.scale(); got != "3" {
		t.Errorf("%s replicas at the end", got)
	}
	if holder := c.kubectl("get", "lease", "-n", "axolotl", incluster.LeaseName, "-o", "jsonpath={.spec.holderIdentity}"); holder != "" {
		t.Errorf("the lease is held by %q", holder)
	}
	c.accountedOnce()
}

func newTown(t *testing.T) *town {
	c := &town{soak: newSoak(t)}
	c.must("up", "soak", "--driver", "local", "--workers", "1", "--no-context")
	c.kubectl("create", "namespace", "shop")
	c.kubectl("annotate", "namespace", "shop", "axolotl.dev/allow-chaos=true")
	c.kubectl("create", "deployment", "web", "-n", "shop", "--image=web", "--replicas=3")
	c.apply(c.must("serve", "--in-cluster", "--manifests", "--target", "shop", "--nodes"))
	c.kubectl("wait", "--for=condition=Established", "crd/schedules.axolotl.dev")
	c.kubectl("rollout", "status", "-n", "shop", "deployment/web")
	c.kubectl("rollout", "status", "-n", "axolotl", "deployment/axolotl-serve") // its pods are taken, as restricted ones

	config, err := clientcmd.LoadFromFile(filepath.Join(c.dir, "axolotl/clusters/soak/admin.conf"))
	if err != nil {
		t.Fatal(err)
	}
	user := config.Contexts[config.CurrentContext].AuthInfo
	config.AuthInfos[user] = &api.AuthInfo{Token: strings.TrimSpace(c.kubectl("create", "token", "-n", "axolotl", "axolotl-serve"))}
	c.kubeconfig = filepath.Join(c.dir, "serve.conf")
	if err := clientcmd.WriteToFile(*config, c.kubeconfig); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *town) kubectl(arguments ...string) string {
	c.t.Helper()
	return c.must(append([]string{"kubectl", "soak", "--"}, arguments...)...)
}

func (c *town) apply(manifests string) {
	c.t.Helper()
	file := filepath.Join(c.dir, "manifests.yaml")
	if err := os.WriteFile(file, []byte(manifests), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.kubectl("apply", "-f", file)
}

// until tries something until it holds.
func (c *town) until(what string, holds func() error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), awaitLimit)
	defer cancel()
	condition := check.Func(what, func(context.Context) error { return holds() })
	if err := check.Wait(ctx, condition, 50*time.Millisecond, nil); err != nil {
		c.t.Fatal(err)
	}
}

func (c *town) status(schedule string) incluster.Status {
	c.t.Helper()
	var object struct{ Status incluster.Status }
	if err := json.Unmarshal([]byte(c.kubectl("get", "schedules", schedule, "-n", "axolotl", "-o", "json")), &object); err != nil {
		c.t.Fatal(err)
	}
	return object.Status
}

// struck waits until a fault is in, and returns the run's ID.
func (c *town) struck() string {
	c.t.Helper()
	var entries []string
	c.until("a fault is in", func() error {
		entries = strings.Fields(c.kubectl("get", "configmaps", "-n", "axolotl", "-l", "axolotl.dev/holds=undo,axolotl.dev/state=open",
			"-o", "jsonpath={.items[*].metadata.name}"))
		if got := c.scale(); got != "0" || len(entries) != 1 {
			return fmt.Errorf("%s replicas, open are %v", got, entries)
		}
		return nil
	})
	return strings.TrimPrefix(entries[0], "axolotl-undo-")
}

// undone waits until what a run did is proved to be undone.
func (c *town) undone(run string) {
	c.t.Helper()
	c.until("run "+run+" is undone", func() error {
		var entry journal.Entry
		text := c.kubectl("get", "configmap", "-n", "axolotl", "axolotl-undo-"+run, "-o", `jsonpath={.data.entry\.json}`)
		if err := json.Unmarshal([]byte(text), &entry); err != nil || entry.State != journal.Undone || !strings.Contains(entry.Proof, "has 3 replicas, as before") {
			return fmt.Errorf("%s, %v", text, err)
		}
		return nil
	})
}

// scale is how many replicas the target is to have.
func (c *town) scale() string {
	c.t.Helper()
	return c.kubectl("get", "deployment", "-n", "shop", "web", "-o", "jsonpath={.spec.replicas}")
}

// outcomes are the firings that have this outcome, by who has begun them.
func (c *town) outcomes(outcome string) []string {
	c.t.Helper()
	var by []string
	for _, f := range c.status("zero").Runs {
		if f.Outcome == outcome {
			by = append(by, f.By)
		}
	}
	return by
}

// finishes waits until a replica has begun a run and seen it heal.
func (c *town) finishes(r *replicaProcess) {
	c.t.Helper()
	c.until("a run of the new leader heals", func() error {
		for _, f := range c.status("zero").Runs {
			if f.By == r.name() && f.Verdict == "healed" {
				return nil
			}
		}
		return fmt.Errorf("%+v; the log ends with\n%s", c.status("zero").Runs, r.log())
	})
}

// accountedOnce holds the status to what it is for.
func (c *town) accountedOnce() {
	c.t.Helper()
	status := c.status("zero")
	seen := map[time.Time]bool{}
	for _, f := range slices.Concat(status.Runs, status.NotRun) {
		if seen[f.Due] || f.Due.After(status.Accounted) || f.Outcome == "running" {
			c.t.Errorf("%+v, of %+v", f, status)
		}
		seen[f.Due] = true
	}
	runs := map[string]bool{}
	for _, f := range status.Runs {
		if runs[f.Run] && f.Run != "" {
			c.t.Errorf("run %s is of two firings", f.Run)
		}
		runs[f.Run] = true
	}
	for _, run := range strings.Fields(c.kubectl("get", "configmaps", "-n", "axolotl", "-l", "axolotl.dev/holds=report,axolotl.dev/verdict=healed",
		"-o", "jsonpath={.items[*].metadata.name}")) {
		if !runs[strings.TrimPrefix(run, "axolotl-run-")] {
			c.t.Errorf("%s is of no firing", run)
		}
	}
}

// replicaProcess is one replica.
type replicaProcess struct {
	*exec.Cmd
	town *town
	file string
	done chan error
}

// replica starts one more.
func (c *town) replica() *replicaProcess {
	c.t.Helper()
	c.replicas++
	r := &replicaProcess{town: c, file: filepath.Join(c.dir, fmt.Sprintf("replica-%d.log", c.replicas)), done: make(chan error, 1)}
	log, err := os.Create(r.file)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	r.Cmd = c.command(c.t.Context(), "serve", "--in-cluster", "--kubeconfig", c.kubeconfig, "--lease", "4s", "--listen", "127.0.0.1:0", "--drain", "0s")
	r.Stderr = log
	if err := r.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() { r.done <- r.Cmd.Wait() }()
	c.t.Cleanup(func() {
		_ = r.Process.Kill() // it has ended, as a rule
		if c.t.Failed() {
			c.t.Logf("--- %s ---\n%s", filepath.Base(r.file), r.log())
		}
	})
	return r
}

func (r *replicaProcess) log() string {
	data, _ := os.ReadFile(r.file) // empty where it has said nothing
	return string(data)
}

// field waits until the log has a line, and returns a field of it.
func (r *replicaProcess) field(message, field string) string {
	r.town.t.Helper()
	pattern := regexp.MustCompile(`"msg":"` + message + `".*"` + field + `":"([^"]*)"`)
	var found []string
	r.town.until(filepath.Base(r.file)+": "+message, func() error {
		if found = pattern.FindStringSubmatch(r.log()); found == nil {
			return fmt.Errorf("its log is\n%s", r.log())
		}
		return nil
	})
	return found[1]
}

func (r *replicaProcess) name() string { r.town.t.Helper(); return r.field("answering", "replica") }

// leads waits until it does.
func (r *replicaProcess) leads() { r.town.t.Helper(); r.field("this replica leads", "replica") }

// answers holds where a replica that does not lead is well, and says that.
func (r *replicaProcess) answers() {
	r.town.t.Helper()
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok", "/metrics": "axolotl_leading 0"} {
		answer, err := http.Get("http://" + r.field("answering", "address") + path) //nolint:noctx // on loopback
		if err != nil {
			r.town.t.Fatal(err)
		}
		var body bytes.Buffer
		_, err = body.ReadFrom(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(body.String(), want) {
			r.town.t.Errorf("%s: %s, %v: %s", path, answer.Status, err, body.String())
		}
	}
}

func (r *replicaProcess) signal(s syscall.Signal) {
	r.town.t.Helper()
	if err := r.Process.Signal(s); err != nil {
		r.town.t.Fatal(err)
	}
}

// wait waits until it has ended.
func (r *replicaProcess) wait() error {
	r.town.t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(awaitLimit):
		r.town.t.Fatalf("it does not end; its log is\n%s", r.log())
		return nil
	}
}

func (r *replicaProcess) kill() {
	r.town.t.Helper()
	r.signal(syscall.SIGKILL)
	_ = r.wait() // it was killed, says its error
}
