package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"axolotl/internal/store"
	"axolotl/internal/term"
)

// recipe is part of every binary's hash. Raise it where a change in how
// binaries are built must not use what earlier releases have in the cache.
const recipe = "1"

// Binary is one Go program that is built from source, through the module
// proxy, and cached under the hash of what goes into it. The toolchain is not
// part of that hash: a newer Go does not make a program another one.
//
// Package is installed where Source is nil, which is what to prefer.
type Binary struct {
	Name    string // of the program
	Package string // import path of a main package, installed at Version
	Version string // of Package's module, as in "v1.2.3"
	Source  fs.FS  // a module: go.mod, go.sum and a main package at its root, or what requires Package
	LDFlags string // for the linker; "-s -w" leaves out symbols

	// Module is the path of Package's module where it replaces others, which Go
	// heeds only of the module that it stands in: it is copied and built there.
	Module string
}

// Hash is the SHA-256 of all inputs, in hex.
func (b Binary) Hash() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %q\n", recipe, runtime.GOARCH, b.Name, b.Package, b.Version, b.LDFlags)
	if b.Module != "" {
		fmt.Fprintf(h, "%q\n", b.Module)
	}
	if b.Source != nil {
		err := fs.WalkDir(b.Source, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := fs.ReadFile(b.Source, name)
			fmt.Fprintf(h, "%q %d\n%s", name, len(data), data)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("sources of %s: %w", b.Name, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Path is where the program lies once it is built, whether it is or not:
// CACHE/bin/NAME-HASH12/NAME.
func (b Binary) Path(home store.Home) (string, error) {
	hash, err := b.Hash()
	if err != nil {
		return "", err
	}
	return filepath.Join(home.Cache, "bin", b.Name+"-"+hash[:12], b.Name), nil
}

// Find returns where the program is built, in the user's cache or in root's.
// The error says why it must be built, and the path is then where it will be.
func (b Binary) Find(home store.Home) (string, error) {
	path, err := b.Path(home)
	if err != nil {
		return "", err
	}
	damage := checkDigest(path)
	if root, ok := ofHost(home); ok && damage != nil {
		if theirs, err := b.Path(root); err == nil && checkOfHost(theirs) == nil {
			return theirs, nil
		}
	}
	return path, damage
}

// Ensure returns the path of the program, which it builds where it is missing
// or damaged. One process at a time builds it; others wait and say for whom.
// What is half-built when a build ends, in whatever way, never counts. When
// ctx ends, the compiler is killed.
func (b Binary) Ensure(ctx context.Context, home store.Home, step *term.Step) (string, error) {
	path, err := b.Find(home)
	if path == "" || err == nil {
		return path, err
	}
	entry := filepath.Dir(path)
	lock, err := waitLock(ctx, entry+".lock", b.Name, step)
	if err != nil {
		return "", err
	}
	defer lock.Unlock()

	switch err := checkDigest(path); {
	case err == nil: // whoever had the lock has built it
		return path, nil
	case !errors.Is(err, fs.ErrNotExist):
		step.Status("%v; building it anew", err)
	}
	if err := b.buildEntry(ctx, entry, step); err != nil {
		return "", fmt.Errorf("build %s: %w", b.Name, err)
	}
	return path, nil
}

// buildEntry makes the cache entry from nothing. The caller holds its lock, so
// whatever an earlier build left under the temporary name is rubbish.
func (b Binary) buildEntry(ctx context.Context, entry string, step *term.Step) error {
	temp := entry + ".building"
	if err := errors.Join(os.RemoveAll(temp), os.RemoveAll(entry)); err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	whole, work := filepath.Join(temp, "entry"), filepath.Join(temp, "work")
	if err := errors.Join(os.MkdirAll(whole, 0o755), os.MkdirAll(work, 0o755)); err != nil {
		return err
	}
	program := filepath.Join(whole, b.Name)
	if err := b.compile(ctx, work, program, step); err != nil {
		return err
	}
	if err := noteDigest(program); err != nil {
		return err
	}
	if err := store.Sync(whole); err != nil {
		return err
	}
	if err := os.Rename(whole, entry); err != nil {
		return err
	}
	return store.Sync(filepath.Dir(entry))
}

// waitLock takes a lock, waiting while another process has it.
func waitLock(ctx context.Context, path, name string, step *term.Step) (*store.Lock, error) {
	lock, err := store.WaitLock(ctx, path, func(locked *store.LockedError) {
		step.Status("waiting for %q (pid %d), which builds %s", locked.Holder.Command, locked.Holder.PID, name)
	})
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("waited for another process to build %s: %w", name, err)
	}
	return lock, err
}
