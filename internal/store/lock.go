package store

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Holder says who holds a lock, for the error that the next one gets.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
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

// TryLock takes the lock at path, or returns a *LockedError at once.
func TryLock(path string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !taken {
		var holder Holder
		if data, err := os.ReadFile(path); err == nil {
			_ = json.Unmarshal(data, &holder) // a holder not yet written is shown as unknown
		}
		return nil, &LockedError{Path: path, Holder: holder}
	}
	note, err := json.Marshal(Holder{PID: os.Getpid(), Command: strings.Join(os.Args, " "), Since: time.Now()})
	if err == nil {
		// NOTE: written in place: a rename would leave the lock on the old inode.
		err = os.WriteFile(path, note, 0o600)
	}
	if err != nil {
		_ = lock.Unlock()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Lock{flock: lock}, nil
}

// Unlock frees the lock. The file stays: removing it would let two processes
// hold locks on two inodes of one name.
func (l *Lock) Unlock() error { return l.flock.Unlock() }
