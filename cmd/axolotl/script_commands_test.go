package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"

	"axolotl/chaos"
)

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits":   exits,
	"await":   await,
	"empty":   empty,
	"shows":   shows,
	"cut":     cut,
	"running": running,
	"query":   query,
	"queryTo": queryTo,
	"killAll": killAll,
	"addsUp":  addsUp,
	"reports": reports,
}

// awaitLimit is how long something may take on a busy host.
const awaitLimit = 2 * time.Minute

// exits runs a program, which must end with an exit code:
//
//	exits CODE PROGRAM ARGUMENT...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// await waits until a file is there:
//
//	await FILE
func await(ts *testscript.TestScript, _ bool, args []string) {
	if !appears(ts.MkAbs(args[0]), nil) {
		ts.Fatalf("%s did not come", args[0])
	}
}

// shows tries a program until its standard output matches:
//
//	shows PATTERN PROGRAM ARGUMENT...
func shows(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for deadline := time.Now().Add(awaitLimit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("it does not show %q", args[0])
}

// empty holds where a directory is there with nothing in it.
func empty(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(entries) > 0 {
		ts.Fatalf("%s holds %v", args[0], entries)
	}
}

// appears waits until a file is there that has this path, or matches it as a
// pattern; it is false where ended is closed
// before, or it takes too long.
func appears(path string, ended <-chan error) bool {
	limit := time.After(awaitLimit)
	for {
		if found, _ := filepath.Glob(path); len(found) > 0 { // a bad pattern finds nothing
			return true
		}
		select {
		case <-ended:
			return false
		case <-limit:
			return false
		case <-time.After(time.Millisecond):
		}
	}
}

// stopLimit is how long an interrupted command may take to end.
const stopLimit = 5 * time.Second

// cut starts a program and sends it a signal at the moment when a file is
// there. After INT and HUP it must end by itself within stopLimit, with exit code 130:
//
//	cut INT|HUP|KILL FILE PROGRAM ARGUMENT...
func cut(ts *testscript.TestScript, _ bool, args []string) {
	if signal.Ignored(syscall.SIGHUP) { // under nohup, and what we start would ignore it, too
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	sig := map[string]syscall.Signal{"INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}[args[0]]
	// NOTE: the shell finds the program on the script's PATH and becomes it.
	cmd := exec.Command("/bin/sh", append([]string{"-c", `exec "$@"`, "sh"}, args[2:]...)...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"WORK", "PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "KUBECONFIG", testVariable} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait(); close(ended) }()

	if !appears(ts.MkAbs(args[1]), ended) {
		_ = cmd.Process.Kill() // it may have ended already
		<-ended
		ts.Fatalf("it ended, or took too long, before %s was there", args[1])
	}
	ts.Check(cmd.Process.Signal(sig))
	start := time.Now()
	select {
	case <-ended:
	case <-time.After(stopLimit):
		_ = cmd.Process.Kill()
		<-ended
		ts.Fatalf("it did not stop within %s", stopLimit)
	}
	ts.Logf("it ended %s after the signal: %s", time.Since(start).Round(time.Millisecond), cmd.ProcessState)
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if sig != syscall.SIGKILL && status.ExitStatus() != exitInterrupted {
		ts.Fatalf("exit code %d, want %d", status.ExitStatus(), exitInterrupted)
	}
	if sig == syscall.SIGKILL && status.Signal() != syscall.SIGKILL {
		ts.Fatalf("it ended by itself: %s", cmd.ProcessState)
	}
}

// running tells whether a process runs that the script has started, directly
// or not; with a component, one that is that of a local cluster:
//
//	[!] running [COMPONENT]
func running(ts *testscript.TestScript, neg bool, args []string) {
	var found []string
	for _, p := range processesOf(ts.Getenv("WORK")) {
		if len(args) == 0 || p.component == args[0] {
			found = append(found, p.String())
		}
	}
	if neg == (len(found) > 0) {
		ts.Fatalf("running: %d %s", len(found), strings.Join(found, ", "))
	}
}

// killAll kills the processes of a component of local clusters, or of tunnels, with SIGKILL,
// and waits until all that the kernel ends with them are gone:
//
//	killAll COMPONENT
func killAll(ts *testscript.TestScript, _ bool, args []string) {
	killed := 0
	for deadline := time.Now().Add(stopLimit); ; time.Sleep(5 * time.Millisecond) {
		left := processesOf(ts.Getenv("WORK"))
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			ts.Fatalf("still running: %v", left)
		}
		for _, p := range left {
			if p.component == args[0] && killed == 0 {
				ts.Check(syscall.Kill(p.pid, syscall.SIGKILL))
				killed++
			}
		}
	}
	if killed == 0 {
		ts.Fatalf("no %s runs", args[0])
	}
}

// query evaluates a JSONPath on the last standard output, JSON or YAML:
//
//	query '{.items[*].name}' 'a b'
func query(ts *testscript.TestScript, neg bool, args []string) {
	got := valueAt(ts, args[0])
	if neg == (got == args[1]) {
		ts.Fatalf("%s is %q", args[0], got)
	}
}

// queryTo keeps what a JSONPath finds in a variable:
//
//	queryTo VARIABLE '{.items[0].name}'
func queryTo(ts *testscript.TestScript, _ bool, args []string) {
	got := valueAt(ts, args[1])
	if got == "" {
		ts.Fatalf("nothing at %s", args[1])
	}
	ts.Setenv(args[0], got)
}

// valueAt evaluates a JSONPath on the last standard output, JSON or YAML.
func valueAt(ts *testscript.TestScript, query string) string {
	var value any
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile("stdout")), &value))
	path := jsonpath.New("query").AllowMissingKeys(true)
	ts.Check(path.Parse(query))
	var got strings.Builder
	ts.Check(path.Execute(&got, value))
	return got.String()
}

// addsUp holds the phases of the report on standard output to their promise:
// each begins where the last known one ended, and together they are the total.
func addsUp(ts *testscript.TestScript, _ bool, _ []string) {
	var report chaos.Report
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &report))
	if len(report.Pods) == 0 {
		ts.Fatalf("no pod was lost")
	}
	for _, pod := range report.Pods {
		var sum, end time.Duration
		known := 0
		for _, phase := range pod.Phases {
			if !phase.Known {
				continue
			}
			if phase.From != end {
				ts.Fatalf("phase %s begins at %s, the one before ended at %s", phase.Name, phase.From, end)
			}
			known++
			end = phase.To
			sum += phase.Took()
		}
		if known < 2 || sum != pod.Total || sum <= 0 {
			ts.Fatalf("%d phases of pod %s add up to %s, its total is %s", known, pod.Lost.Name, sum, pod.Total)
		}
	}
}
