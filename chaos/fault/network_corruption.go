package fault

import "strconv"

// corruptNetwork is how many packets are damaged on their way.
type corruptNetwork struct {
	Percent int `json:"percent" yaml:"percent"` // of the packets that leave, each with a wrong bit; 1 to 100
}

// Check implements Checked.
func (c *corruptNetwork) Check() []Wrong { return between("percent", c.Percent, 1, 100) }

// variables implements guestSettings.
func (c *corruptNetwork) variables() map[string]string {
	return map[string]string{"percent": strconv.Itoa(c.Percent)}
}

// effect implements effective: what is damaged is lost to whom it was for.
func (c *corruptNetwork) effect(e Effect) Effect { return takesContact(e, c.Percent) }

func newNetworkCorruption() Fault {
	return &guest{
		name: "network-corruption",
		doc: Doc{
			Does:   "turns a bit in some of the packets that leave nodes for other nodes (netem); checksums find it, and they must be sent again",
			Needs:  "at least two machines that commands can be run in (libvirt)",
			Proved: "the kernel's queue says so, and pings to another machine are lost",
			Undone: "the queue is removed; the kernel says that it is gone, and the other machine answers",
		},
		effect:  Effect{On: OnNodes, Takes: TakesNothing, Slow: true},
		with:    &corruptNetwork{Percent: 20},
		network: true,
		commands: commands{
			Was:    netemFree,
			Inject: "modprobe sch_netem\ntc qdisc replace dev " + segment + " root netem corrupt \"$percent%\" limit 10000\n",
			// Where a fifth is damaged, one look of 80 sees all of so many arrive.
			Injected: netemShown + "lost=$((20 - $(" + pings(20, 2) + " | sed -n '/ time=/p' | wc -l)))\n" +
				"[ \"$lost\" -gt 0 ]\necho \"$queue; of 20 pings to $peer $lost were lost\"\n",
			Undo:   netemUndo,
			Undone: netemUndone,
		},
	}
}
