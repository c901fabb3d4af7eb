package store

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// holdVariable makes this test binary hold the lock at a path until it is
// killed.
const holdVariable = "AXOLOTL_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdVariable); path != "" {
		if _, err := TryLock(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		runtime.GC() // a lock that nobody refers to is held all the same
		runtime.GC()
		fmt.Println("held")
		select {}
	}
	os.Exit(m.Run())
}

// The next one is told who holds a lock; a holder that is killed holds nothing.
func TestLockOfAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "a.lock")
	holder := exec.Command(os.Args[0], "-test.run=none")
	holder.Env = append(os.Environ(), holdVariable+"="+path)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() }) // it is killed below, too
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}

	_, err = TryLock(path)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != holder.Process.Pid || locked.Holder.Since.IsZero() {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{path, "-test.run=none", fmt.Sprintf("pid %d", holder.Process.Pid), "wait for it or stop it"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}

	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // by a signal, as was asked
	lock, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}

func TestLockThatDoesNotSayWhoHoldsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	if _, err := TryLock(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(path); err == nil || !strings.Contains(err.Error(), "locked by another process") {
		t.Errorf("error %v", err)
	}
}

// However many take a lock and remove its file, one at a time has it.
func TestRemovedLocksAreHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	var holders, turns atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for turns.Load() < 300 {
				lock, err := TryLock(path)
				var locked *LockedError
				if errors.As(err, &locked) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold it", n)
				}
				turns.Add(1)
				holders.Add(-1)
				if err := lock.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is left")
	}
}

// Whoever takes things away on a full disk gets the lock, though nobody can be told who
// has it.
func TestLockOnAFullDisk(t *testing.T) {
	lock, err := TryLock("/dev/full")
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}

// A lock that is shared is had by several, and by nobody alone meanwhile; who has one
// alone says what for.
func TestSharedLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := TryShareFor(path, "first")
	if err != nil {
		t.Fatal(err)
	}
	second, err := TryShareFor(path, "second")
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	for _, l := range []*Lock{first, second} {
		if _, err := TryLock(path); !errors.As(err, &locked) || locked.Holder.For != "second" {
			t.Errorf("%v, held for %q", err, locked.Holder.For)
		}
		if err := l.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
	alone, err := TryLockFor(path, "alone")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryShareFor(path, "third"); !errors.As(err, &locked) || locked.Holder.For != "alone" {
		t.Errorf("shared with who has it alone: %v", err)
	}
	if err := alone.Unlock(); err != nil {
		t.Fatal(err)
	}
}
