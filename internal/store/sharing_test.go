package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHomesThatShareACache(t *testing.T) {
	if err := (Home{State: t.TempDir()}).NoteState(); err == nil {
		t.Error("it was noted in no cache")
	}
	cache := t.TempDir()
	one, other := Home{State: t.TempDir(), Cache: cache}, Home{State: t.TempDir(), Cache: cache}
	if homes, err := one.Sharing(); err != nil || len(homes) != 1 || homes[0] != one {
		t.Fatalf("nothing is noted yet: %v, %v", homes, err)
	}
	for _, home := range []Home{one, other, one} {
		if err := home.NoteState(); err != nil {
			t.Fatal(err)
		}
	}
	if homes, err := one.Sharing(); err != nil || len(homes) != 2 || homes[0] != one || homes[1] != other {
		t.Fatalf("%v, %v", homes, err)
	}
	gone := Home{State: filepath.Join(t.TempDir(), "gone"), Cache: cache}
	if err := gone.NoteState(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(gone.State); err != nil {
		t.Fatal(err)
	}
	if homes, err := one.Sharing(); err != nil || len(homes) != 2 {
		t.Errorf("one is gone: %v, %v", homes, err)
	}
	if notes, err := os.ReadDir(one.statesDir()); err != nil || len(notes) != 2 {
		t.Errorf("its note: %v, %v", notes, err)
	}
	// What cannot be read is not taken for nothing.
	if err := errors.Join(os.RemoveAll(other.Clusters()), os.WriteFile(other.Clusters(), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Sharing(); err == nil || !strings.Contains(err.Error(), "cannot be told") {
		t.Errorf("error %v", err)
	}
}
