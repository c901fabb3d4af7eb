package journal

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Only what is undone goes, and only what is old; what cannot be read stays.
func TestPrune(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j, now := At(dir), time.Now()
	for id, ended := range map[string]time.Time{"old": now.Add(-2 * time.Hour), "new": now, "open": {}} {
		h, err := j.Begin(entry(id))
		if err != nil {
			t.Fatal(err)
		}
		if ended.IsZero() {
			err = h.Release()
		} else {
			err = h.Close("proved", nil, ended)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "torn.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := j.Prune(now.Add(-time.Hour)); n != 1 || err != nil {
		t.Errorf("%d removed, %v", n, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(left) != 3 {
		t.Errorf("left: %v, %v", left, err)
	}
	if h, err := j.Take("old"); h != nil || err == nil {
		t.Errorf("what is pruned is taken: %v", h)
	}
	if err := os.Remove(filepath.Join(dir, "torn.json")); err != nil {
		t.Fatal(err)
	}
	if got := pending(t, At(dir)); got != "open" {
		t.Errorf("pending: %s", got)
	}
}
