package fault

import (
	"fmt"

	"axolotl/vm"
)

// partition is from whom nodes are cut off.
type partition struct {
	From string `json:"from,omitempty" yaml:"from"` // the name of the node from which they are cut off; empty: all others
}

// variables implements guestSettings.
func (p *partition) variables() map[string]string { return map[string]string{"from": p.From} }

// peer implements peered.
func (p *partition) peer(c *vm.Cluster, machine *vm.Machine) (*vm.Machine, error) {
	if p.From == "" {
		return anyPeer(c, machine)
	}
	from := c.Machine(p.From)
	if from == nil || from.Name == machine.Name {
		return nil, fmt.Errorf("it cannot be cut off from %q; set from: to another node of cluster %q", p.From, c.Name)
	}
	return from, nil
}

func newNetworkPartition() Fault {
	const table = "axolotl_chaos"
	hooks := ""
	for _, hook := range []string{"input", "output", "forward"} {
		hooks += fmt.Sprintf("  chain %[1]s { type filter hook %[1]s priority -300; policy accept; iifname %[2]q $source drop; oifname %[2]q $destination drop; }\n", hook, segment)
	}
	// Of one other node all addresses are meant: its own and its pods'.
	const match = "source= destination=\nif [ -n \"$from\" ]; then source=\"ip saddr { $peer, $pods }\" destination=\"ip daddr { $peer, $pods }\"; fi\n"
	return &guest{
		name: "network-partition",
		doc: Doc{
			Does:   "cuts nodes off from all other nodes, or from one, in both directions; the machines go on running",
			Needs:  "at least two machines that commands can be run in (libvirt)",
			Proved: "another machine, which answered before, does not answer from there",
			Undone: "the packet filter's table is removed; the other machine answers again",
		},
		effect:  Effect{On: OnNodes, Takes: TakesContact},
		with:    &partition{},
		network: true,
		commands: commands{
			Was:      reached + "echo reached\n",
			Inject:   match + fmt.Sprintf("nft -f - <<EOF\ntable inet %[1]s\ndelete table inet %[1]s\ntable inet %[1]s {\n%[2]s}\nEOF\n", table, hooks),
			Injected: fmt.Sprintf("nft list table inet %s >/dev/null\n", table) + unreached + "echo \"$peer does not answer\"\n",
			Undo:     fmt.Sprintf("if nft list table inet %[1]s >/dev/null 2>&1; then nft delete table inet %[1]s; fi\n", table),
			Undone:   fmt.Sprintf("if nft list table inet %s >/dev/null 2>&1; then exit 1; fi\n", table) + reached + "echo \"$peer answers\"\n",
		},
	}
}
