package fault

import "strconv"

// narrowNetwork is how much leaves a machine for others.
type narrowNetwork struct {
	Kbit int `json:"kbit" yaml:"kbit"` // thousands of bits that leave in a second
}

// Check implements Checked.
func (n *narrowNetwork) Check() []Wrong { return atLeast("kbit", n.Kbit, 1) }

func (n *narrowNetwork) variables() map[string]string {
	return map[string]string{"kbit": strconv.Itoa(n.Kbit)}
}

func newNetworkBandwidth() Fault {
	// 1400 bytes with the headers of ICMP, IP and Ethernet: 11536 bits take that
	// many microseconds at a kilobit a millisecond.
	const leastMs = "$((11536 / kbit))"
	return &guest{
		name: "network-bandwidth",
		doc: Doc{
			Does:   "limits the bandwidth from nodes to other nodes (netem)",
			Needs:  "at least two machines that commands can be run in (libvirt)",
			Proved: "the kernel's queue says so, and a packet of 1400 bytes takes to another machine at least what it must at that rate",
			Undone: "the queue is removed; the kernel says that it is gone, and the other machine answers",
		},
		effect:  Effect{On: OnNodes, Takes: TakesNothing, Slow: true},
		with:    &narrowNetwork{Kbit: 128},
		network: true,
		commands: commands{
			Was:    netemFree,
			Inject: "modprobe sch_netem\ntc qdisc replace dev " + segment + " root netem rate \"${kbit}kbit\" limit 10000\n",
			Injected: netemShown + "shortest=$(busybox ping -c 3 -W 5 -s 1400 \"$peer\" | sed -n 's,.*max = \\([0-9]*\\).*,\\1,p')\n" +
				"[ \"${shortest:-" + leastMs + "}\" -ge " + leastMs + " ]\necho \"$queue; the quickest of 3 large pings to $peer took ${shortest:-for ever} ms\"\n",
			Undo:   netemUndo,
			Undone: netemUndone,
		},
	}
}
