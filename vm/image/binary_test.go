package image

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"axolotl/internal/store"
	"axolotl/internal/term"
)

// hello is a program small enough to build in a unit test.
func hello(text string) Binary {
	return Binary{
		Name:    "hello",
		LDFlags: "-s -w -X main.text=" + text,
		Source: fstest.MapFS{
			"go.mod":  {Data: []byte("module hello\n\ngo 1.26.0\n")},
			"main.go": {Data: []byte("package main\n\nvar text string\n\nfunc main() { print(text) }\n")},
		},
	}
}

func testHome(t *testing.T) store.Home {
	dir := t.TempDir()
	return store.Home{State: filepath.Join(dir, "state"), Cache: filepath.Join(dir, "cache")}
}

func testStep() *term.Step { return term.NewProgress(io.Discard, true).Start("test") }

func ensure(t *testing.T, b Binary, home store.Home) string {
	t.Helper()
	path, err := b.Ensure(t.Context(), home, testStep())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, program string) string {
	t.Helper()
	out, err := exec.Command(program).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
	return string(out)
}

func modTime(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func TestEnsureBuildsOnce(t *testing.T) {
	t.Setenv("GOFLAGS", "-tags=ours -mod=vendor") // must not reach the build
	home := testHome(t)
	path := ensure(t, hello("one"), home)
	if got := run(t, path); got != "one" {
		t.Errorf("the program says %q", got)
	}
	built := modTime(t, path)
	if again := ensure(t, hello("one"), home); again != path || !modTime(t, again).Equal(built) {
		t.Errorf("built again: %s", again)
	}
	if other := ensure(t, hello("two"), home); other == path {
		t.Error("another linker flag, the same path")
	}
}

func TestEnsureRebuildsDamaged(t *testing.T) {
	damages := map[string]func(path string) error{
		"truncated":     func(path string) error { return os.Truncate(path, 1000) },
		"altered":       func(path string) error { return alterByte(path) },
		"gone":          os.Remove,
		"note is gone":  func(path string) error { return os.Remove(digestPath(path)) },
		"note is empty": func(path string) error { return os.WriteFile(digestPath(path), nil, 0o600) },
		"half-built": func(path string) error {
			entry := filepath.Dir(path)
			return os.Rename(entry, entry+".building")
		},
	}
	home := testHome(t)
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			path := ensure(t, hello("x"), home)
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			if checkDigest(path) == nil {
				t.Error("the damage is not noticed")
			}
			if got := run(t, ensure(t, hello("x"), home)); got != "x" {
				t.Errorf("the program says %q", got)
			}
			if _, err := os.Stat(filepath.Dir(path) + ".building"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the temporary directory is still there: %v", err)
			}
		})
	}
}

func alterByte(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte{0xff}, 500)
	return errors.Join(err, f.Close())
}

// A copied cache has other times and the same content: it is taken as it is.
func TestEnsureKeepsCopied(t *testing.T) {
	home := testHome(t)
	path := ensure(t, hello("x"), home)
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	if ensure(t, hello("x"), home); !modTime(t, path).Equal(past) {
		t.Error("built again")
	}
}

func TestEnsureTogether(t *testing.T) {
	home := testHome(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := hello("x").Ensure(t.Context(), home, testStep()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestEnsureStopsWithContext(t *testing.T) {
	home := testHome(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	// Node takes minutes to build without a build cache, a minute with one.
	if _, err := Node.Ensure(ctx, home, testStep()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("stopped only after %s", took)
	}
	left, err := filepath.Glob(filepath.Join(home.Cache, "bin", "*"))
	if err != nil || len(left) != 1 || !strings.HasSuffix(left[0], ".lock") {
		t.Errorf("left over: %q %v", left, err)
	}
}

func TestEnsureErrors(t *testing.T) {
	t.Run("no go", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := hello("x").Ensure(t.Context(), testHome(t), testStep())
		if err == nil || !strings.Contains(err.Error(), "install Go 1.26 or newer") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("old go", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\necho go1.19.8\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir)
		_, err := hello("x").Ensure(t.Context(), testHome(t), testStep())
		if err == nil || !strings.Contains(err.Error(), "go1.19.8, which is too old") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("does not compile", func(t *testing.T) {
		b := hello("x")
		b.Source.(fstest.MapFS)["main.go"].Data = []byte("package main\n\nfunc main() { undefined() }\n")
		_, err := b.Ensure(t.Context(), testHome(t), testStep())
		if err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
			t.Errorf("error is %v", err)
		}
	})
}
