package chaos

import "testing"

// TestCatalogHasWhatWasAskedFor: the experiments by whose names people were told to run
// axolotl are there, whatever others come and go.
func TestCatalogHasWhatWasAskedFor(t *testing.T) {
	names := []string{
		"pod-deletion", "pod-eviction-blocked", "node-drain", "node-power-cut", "node-freeze", "kubelet-stop",
		"network-partition", "slow-network", "dns-outage", "disk-full", "api-server-down", "scheduler-down",
		"clock-jump", "rolling-power-cut", "config-lost", "vm-ruined", "game-day",
	}
	for _, name := range names {
		e, err := Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if e.Name != name {
			t.Errorf("%s is %s", name, e.Name)
		}
	}
}
