package labs

import (
	"testing"
	"time"
)

func TestNextLabIsOneThatTheClusterServes(t *testing.T) {
	needCluster(t)
	if given {
		t.Skip("wants a simulated node")
	}
	for name, want := range map[string]string{
		"first-steps": "replicasets", // two nodes more, or pods that run, are needed in between
		"rbac":        "game-day",
		"game-day":    "",
		"my-own":      "",
	} {
		lab := &Lab{Name: name, Order: 1}
		g := &Guide{Lab: lab, runner: &runner{session: newSession(handle, lab, time.Now)}}
		if got := g.NextLab(t.Context()); got != want {
			t.Errorf("after %s comes %q, want %q", name, got, want)
		}
	}
}
