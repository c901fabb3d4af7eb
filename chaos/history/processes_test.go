package history

import (
	"bufio"
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
)

// otherVariable makes this test binary another process at the history at a
// path: NAME PATH.
const otherVariable = "AXOLOTL_TEST_OTHER"

// firingsOfEach is how many firings each process tries to account for.
const firingsOfEach = 100

func TestMain(m *testing.M) {
	if name, path, ok := strings.Cut(os.Getenv(otherVariable), " "); ok {
		if err := other(name, path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// other is a process that accounts for the same firings as its like, prints
// the number of each that is its own, and then is in the middle of a run; as
// "endless" it only writes, until it is killed.
func other(name, path string) error {
	ctx := context.Background()
	db, err := Open(ctx, path)
	if err != nil {
		return err
	}
	for i := 0; name == "endless" || i < firingsOfEach; i++ {
		err := db.RecordFiring(ctx, Firing{Schedule: "s", Cluster: name, Due: t0.Add(time.Duration(i)), Outcome: FiringMissed})
		if errors.Is(err, ErrAccounted) {
			continue
		}
		if err != nil {
			return err
		}
		fmt.Println(i)
	}
	if err := db.BeginRun(ctx, sampleRun(name, t0)); err != nil {
		return err
	}
	fmt.Println("in a run")
	select {}
}

// start starts another process and gives its lines.
func start(t *testing.T, name, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=none")
	cmd.Env = append(os.Environ(), otherVariable+"="+name+" "+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // tests kill it, too
	return cmd, bufio.NewScanner(out)
}

// Two processes make the same history at once, and account for the same
// firings: each is accounted for once, by one of them. Both are then killed in
// the middle of a run, which is told as interrupted once they are gone.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	owner := map[int]string{}
	processes := map[string]*exec.Cmd{}
	lines := map[string]*bufio.Scanner{}
	for _, name := range []string{"a", "b"} {
		processes[name], lines[name] = start(t, name, path)
	}
	for name, scanner := range lines {
		for scanner.Scan() && scanner.Text() != "in a run" {
			i, err := strconv.Atoi(scanner.Text())
			if err != nil {
				t.Fatalf("%s: %s", name, scanner.Text())
			}
			if owner[i] != "" {
				t.Errorf("firing %d is accounted for by both", i)
			}
			owner[i] = name
		}
	}
	db := openAt(t, path)
	all, err := db.Firings(t.Context(), FiringQuery{})
	if err != nil || len(all) != firingsOfEach || len(owner) != firingsOfEach {
		t.Fatalf("%d firings, %d acknowledged, %v; want %d", len(all), len(owner), err, firingsOfEach)
	}
	for _, f := range all {
		if i := int(f.Due.Sub(t0)); f.Cluster != owner[i] {
			t.Errorf("firing %d is of %q, and %q was told so", i, f.Cluster, owner[i])
		}
	}
	assertVerdicts(t, db, "running running")

	kill(t, processes["a"])
	db = openAt(t, path)
	assertVerdicts(t, db, "interrupted running")
	kill(t, processes["b"])
	assertVerdicts(t, openAt(t, path), "interrupted interrupted")
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed, says its error
}

func assertVerdicts(t *testing.T, db *DB, want string) {
	t.Helper()
	all, err := db.Runs(t.Context(), RunQuery{})
	var got []string
	for _, r := range all {
		got = append(got, r.Verdict)
	}
	if err != nil || strings.Join(got, " ") != want {
		t.Errorf("verdicts %v, %v; want %s", got, err, want)
	}
}

// Whoever is killed in the middle of a write loses nothing that was said to be
// written.
func TestKilledWhileItWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	written := 0
	for range 5 {
		cmd, lines := start(t, "endless", path)
		for range 20 {
			if !lines.Scan() {
				t.Fatal("it has ended")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		last := lines.Text()
		for lines.Scan() { // what it had said before it was dead
			last = lines.Text()
		}
		_ = cmd.Wait() // it was killed, says its error
		n, err := strconv.Atoi(last)
		if err != nil || n < written {
			t.Fatalf("%q after %d", last, written)
		}
		written = n
		db := openAt(t, path)
		if err := db.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := db.Firings(t.Context(), FiringQuery{})
		if err != nil || len(all) < written+1 || len(all) > written+2 {
			t.Fatalf("%d firings, %v; %d were said to be written", len(all), err, written+1)
		}
	}
}
