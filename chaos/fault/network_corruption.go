package fault

import "strconv"

// corruptNetwork is how many packets are damaged on their way.
type corruptNetwork struct {
	Percent int `json:"percent" yaml:"percent"` // of the packets that leave
}

// variables implements guestSettings.
func (c *corruptNetwork) variables() map[string]string {
	return map[string]string{"percent": strconv.Itoa(c.Percent)}
}

func newNetworkCorruption() Fault {
	return &guest{
		name: "network-corruption",
		doc: Doc{
			Does:   "turns a bit in some of the packets that leave nodes for other nodes (netem); checksums find it, and they must be sent again",
			Needs:  "at least two machines that commands can be run in (libvirt)",
			Proved: "the kernel's queue says so, and pings to another machine are lost",
			Undone: "the queue is removed; the kernel says that it is gone, and the other machine answers",
		},
		effect:  Effect{On: OnNodes, Takes: TakesNothing},
		with:    &corruptNetwork{Percent: 20},
		network: true,
		commands: commands{
			Was:    netemFree,
			Inject: "modprobe sch_netem\ntc qdisc replace dev " + segment + " root netem corrupt \"$percent%\" limit 10000\n",
			// busybox waits a second between pings: each look is short, and is repeated.
			Injected: netemShown + "lost=$(busybox ping -c 5 -W 1 \"$peer\" | sed -n 's/.* \\([0-9]*\\)% packet loss.*/\\1/p')\n" +
				"[ \"${lost:-0}\" -gt 0 ]\necho \"$queue; of 5 pings to $peer $lost % were lost\"\n",
			Undo:   netemUndo,
			Undone: netemUndone,
		},
	}
}
