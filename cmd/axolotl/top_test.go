package main

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"axolotl/chaos"
	"axolotl/chaos/timeline"
	"axolotl/vm"
	"axolotl/vm/cluster"
)

// busyScene has one of each thing that top shows.
func busyScene() topScene {
	at := time.Date(2026, 11, 29, 11, 0, 8, 0, time.UTC)
	return topScene{
		At: at,
		Clusters: []topCluster{
			{Name: "demo", Status: &cluster.Status{Name: "demo", Phase: vm.PhaseUp, Driver: "libvirt", Nodes: []cluster.NodeStatus{
				{Name: "cp-1", Role: vm.ControlPlane, Machine: vm.MachineRunning, Ready: "True"},
				{Name: "worker-1", Role: vm.Worker, Machine: vm.MachineCrashed, Ready: "Unknown", Note: "the guest \x1b[31mpanicked"},
			}}},
			{Name: "torn", Fault: "the record cannot be read"},
		},
		Running: []*chaos.Report{{
			Experiment: "pod-deletion", Cluster: "demo", Driver: "libvirt", ID: "r-1", Seed: 7, Verdict: chaos.Running, Started: at.Add(-8 * time.Second),
			Recovered: chaos.Recovered{Pods: []timeline.Recovery{{Lost: timeline.Pod{Name: "web-1", Node: "cp-1"}, Total: time.Second, Phases: []timeline.Phase{
				{Name: timeline.Noticed, Known: true, To: time.Second}, {Name: timeline.Ready},
			}}}},
		}},
		Ended: []*chaos.Report{{
			Experiment: "node-drain", Cluster: "demo", ID: "r-0", Verdict: chaos.HealedLate, Reason: "healed after 7.00 s, asked for 5s", HealedAfter: new(7 * time.Second),
		}},
		Firings: []topFiring{{at.Add(3*time.Hour + 20*time.Minute), "tuesdays", "demo", "node-cordon"}},
	}
}

func shown(m topModel) string { return m.View().Content }

func TestTopShows(t *testing.T) {
	text := shown(topModel{scene: busyScene()})
	for _, want := range []string{
		"axolotl top   11:00:08",
		"cluster demo (up), driver libvirt: NOT HEALTHY",
		"worker-1   worker          crashed   Unknown",
		`the guest \x1b[31mpanicked`, // escaped
		"cluster torn: the record cannot be read",
		"at work for 8.00 s:",
		"experiment pod-deletion on cluster demo (driver libvirt), run r-1, seed 7",
		"  noticed        1.00 s ███",
		"  ready         not yet",
		"r-0   node-drain   demo      healed-late   7.00 s         healed after 7.00 s, asked for 5s",
		"2026-11-29T14:20:08Z   in 3 h 20 min   tuesdays   node-cordon   demo",
		"\nq quits",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if empty := shown(topModel{}); !strings.Contains(empty, "no cluster; make one with 'axolotl up'") {
		t.Errorf("with nothing there:\n%s", empty)
	}
}

// Whatever the size of the terminal, nothing is wider or higher, and how to
// quit shows.
func TestTopFitsTheTerminal(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {20, 5}, {200, 100}, {3, 3}} {
		m, _ := topModel{scene: busyScene()}.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		lines := strings.Split(shown(m.(topModel)), "\n")
		if len(lines) > size[1] {
			t.Errorf("%v: %d lines", size, len(lines))
		}
		for _, line := range lines {
			if n := len([]rune(line)); n > size[0] {
				t.Errorf("%v: %d characters in %q", size, n, line)
			}
		}
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, "q quits"[:min(2, size[0])]) {
			t.Errorf("%v: it ends with %q", size, last)
		}
	}
}

// It looks again and again, shows what it saw last, and grows with it; keys
// that mean nothing do nothing.
func TestTopLooksAgain(t *testing.T) {
	scene := busyScene()
	var m tea.Model = topModel{scene: scene, look: func() topScene { return scene }}
	if m.Init() == nil {
		t.Error("it never looks again")
	}
	scene.Running[0].Pods[0].Phases[1] = timeline.Phase{Name: timeline.Ready, Known: true, From: time.Second, To: 3 * time.Second}
	scene.Running[0].Pods[0].Total = 3 * time.Second
	m, look := m.Update(lookAgain{})
	m, again := m.Update(look())
	if text := shown(m.(topModel)); !strings.Contains(text, "  ready          2.00 s") || again == nil {
		t.Errorf("it did not grow:\n%s", text)
	}
	if _, cmd := m.Update(tea.KeyPressMsg{Code: 'x', Text: "x"}); cmd != nil {
		t.Error("x does something")
	}
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: tea.KeyEscape}, {Code: 'c', Mod: tea.ModCtrl}} {
		_, cmd := m.Update(key)
		if cmd == nil {
			t.Errorf("%s does not quit", key)
			continue
		}
		if _, ok := cmd().(tea.QuitMsg); !ok {
			t.Errorf("%s does not quit", key)
		}
	}
}

func TestInTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 45 * time.Second: "45 s", 90 * time.Second: "1 min 30 s",
		3*time.Hour + 20*time.Minute: "3 h 20 min", 5*oneDay + 4*time.Hour: "5 d 4 h",
	} {
		if got := inTime(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
