package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// Holder says who holds a lock, for the error that the next one gets.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
	For     string    `json:"for,omitempty"` // what it does with it, where it says so
}

// LockedError is the error for a lock that somebody else holds.
type LockedError struct {
	Path   string
	Holder Holder
}

func (e *LockedError) Error() string {
	if e.Holder.PID == 0 {
		return fmt.Sprintf("%s is locked by another process; wait for it or stop it", e.Path)
	}
	return fmt.Sprintf("%s is locked by %q (pid %d, since %s); wait for it or stop it",
		e.Path, e.Holder.Command, e.Holder.PID, e.Holder.Since.Format(time.RFC3339))
}

// Lock is a lock on a file that is held until Unlock or the end of the
// process, however it ends: the kernel frees it.
type Lock struct{ flock *flock.Flock }

// held keeps the locks of this process: the file of one that nobody refers to
// any more would be closed by the garbage collector, and its lock freed.
var held sync.Map // of *Lock

// TryLock takes the lock at path, or returns a *LockedError at once. Its directory
// is made where it is missing.
func TryLock(path string) (*Lock, error) {
	if err := makeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return tryLock(path, (*flock.Flock).TryLock, "")
}

// TryLockFor is TryLock by somebody who says what for, to be told to others.
func TryLockFor(path, what string) (*Lock, error) {
	if err := makeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return tryLock(path, (*flock.Flock).TryLock, what)
}

// TryShareFor is TryLockFor of a lock that all may have who share it, and whoever wants
// it alone may not meanwhile. It is told of the last of them.
func TryShareFor(path, what string) (*Lock, error) {
	if err := makeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return tryLock(path, (*flock.Flock).TryRLock, what)
}

// TryLockIn is TryLock of a file in a directory that others remove when they are done
// with it, or in one below that. It does not bring that directory back: the error is
// fs.ErrNotExist then.
func TryLockIn(dir string, elem ...string) (*Lock, error) {
	path := filepath.Join(append([]string{dir}, elem...)...)
	if below := filepath.Dir(path); below != filepath.Clean(dir) {
		if err := os.Mkdir(below, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return tryLock(path, (*flock.Flock).TryLock, "")
}

func tryLock(path string, try func(*flock.Flock) (bool, error), what string) (*Lock, error) {
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	taken, err := try(lock)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if taken && !current(lock) {
		// Its holder has removed it between our look at its name and our lock.
		_ = lock.Unlock()
		return tryLock(path, try, what)
	}
	if !taken {
		var holder Holder
		if data, err := os.ReadFile(path); err == nil {
			_ = json.Unmarshal(data, &holder) // a holder not yet written is shown as unknown
		}
		return nil, &LockedError{Path: path, Holder: holder}
	}
	note, err := json.Marshal(Holder{PID: os.Getpid(), Command: strings.Join(os.Args, " "), Since: time.Now(), For: what})
	if err == nil {
		// NOTE: written in place: a rename would leave the lock on the old inode.
		err = os.WriteFile(path, note, 0o600)
	}
	// On a full disk it is held all the same, by somebody unknown: whoever makes
	// room must get it.
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		_ = lock.Unlock()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	l := &Lock{flock: lock}
	held.Store(l, nil)
	return l, nil
}

// WaitLock takes the lock at path, and waits while somebody else has it; told
// hears who, after each look in vain.
func WaitLock(ctx context.Context, path string, told func(*LockedError)) (*Lock, error) {
	return Await(ctx, func() (*Lock, error) { return TryLock(path) }, told)
}

// Await tries to take a lock until nobody else has it; told hears who, after each
// try in vain.
func Await(ctx context.Context, try func() (*Lock, error), told func(*LockedError)) (*Lock, error) {
	const poll = 200 * time.Millisecond
	for {
		lock, err := try()
		var locked *LockedError
		if err == nil || !errors.As(err, &locked) {
			return lock, err
		}
		told(locked)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", err, context.Cause(ctx))
		case <-time.After(poll):
		}
	}
}

// current tells whether a lock is on the file that has its name now.
func current(lock *flock.Flock) bool {
	locked, err := lock.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(lock.Path())
	return err == nil && os.SameFile(locked, named)
}

// Unlock frees the lock. The file stays.
func (l *Lock) Unlock() error {
	held.Delete(l)
	return l.flock.Unlock()
}

// Remove removes the file and frees the lock. Whoever takes the lock of a file
// that has lost its name meanwhile notices, and takes that of the new one.
func (l *Lock) Remove() error {
	return errors.Join(os.Remove(l.flock.Path()), l.Unlock())
}
