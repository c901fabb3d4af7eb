package fault

import (
	"fmt"
	"strconv"
	"time"

	"axolotl/vm"
)

// segment is the interface on which machines speak to one another. The host's
// forwards, and so the client that is played, come in by another one.
const segment = "eth1"

// reached and unreached say whether the peer answers, by the kernel's own
// account of neighbours and by ping.
const (
	reached   = "busybox ping -c 1 -W 2 \"$peer\" >/dev/null || { echo \"$peer does not answer\" >&2; exit 1; }\n"
	unreached = "if busybox ping -c 1 -W 1 \"$peer\" >/dev/null; then echo \"$peer still answers\"; exit 1; fi\n"
)

// pings sends so many pings to the peer at once, and prints what answers: busybox
// waits a second between those that it sends itself, and a look is to be short.
func pings(count, seconds int) string {
	return fmt.Sprintf("for i in $(seq %d); do busybox ping -c 1 -W %d \"$peer\" & done", count, seconds)
}

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

// Scripts of the faults that put a netem queue before the interface. One that is
// there already is somebody's, and would be lost.
const (
	netemFree   = reached + "queue=$(tc qdisc show dev " + segment + " root)\ncase $queue in *netem*) echo \"there is one already: $queue\" >&2; exit 1;; esac\necho \"$queue\"\n"
	netemShown  = "queue=$(tc qdisc show dev " + segment + " root)\ncase $queue in *netem*) ;; *) exit 1;; esac\n"
	netemUndo   = "if tc qdisc show dev " + segment + " root | grep -q netem; then tc qdisc del dev " + segment + " root; fi\n"
	netemUndone = "if tc qdisc show dev " + segment + " root | grep -q netem; then exit 1; fi\n" + reached + "echo \"no netem on " + segment + ", $peer answers\"\n"
)

// slowNetwork is how bad a network becomes. Each value concerns what leaves
// the machine.
type slowNetwork struct {
	Delay  time.Duration `json:"delayNs" yaml:"delay"`       // by which packets are late
	Jitter time.Duration `json:"jitterNs" yaml:"jitter"`     // by which the delay is more or less
	Loss   int           `json:"loss,omitempty" yaml:"loss"` // percent of the packets that are lost, 0 to 100
}

// Check implements Checked. The kernel is told of whole milliseconds. Where no packet
// is lost, each must be late, or nothing could be proved.
func (s *slowNetwork) Check() []Wrong {
	switch {
	case s.Loss != 0:
		return between("loss", s.Loss, 0, 100)
	case s.Delay < time.Millisecond:
		return []Wrong{{"delay", fmt.Sprintf("want 1ms or more where no packet is lost, found %s", s.Delay)}}
	case s.Delay-s.Jitter < time.Millisecond:
		return []Wrong{{"jitter", fmt.Sprintf("want less than the delay, %s, by 1ms or more where no packet is lost, found %s; packets that need not be late prove nothing", s.Delay, s.Jitter)}}
	}
	return nil
}

func (s *slowNetwork) variables() map[string]string {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	return map[string]string{"delay": ms(s.Delay), "jitter": ms(s.Jitter), "loss": strconv.Itoa(s.Loss)}
}

// cutOff is the percent of its packets without which a node counts as cut off: the
// connections that leases, etcd and probes have come to a stop long before all are
// lost, as TCP doubles its patience with each packet that is.
const cutOff = 50

// takesContact is an effect with a share of the packets lost.
func takesContact(e Effect, percent int) Effect {
	if percent >= cutOff {
		e.Takes = TakesContact
	}
	return e
}

// effect implements effective.
func (s *slowNetwork) effect(e Effect) Effect { return takesContact(e, s.Loss) }

// netemProof proves what slowNetwork asks of the queue. Each packet that leaves is late,
// so that the quickest ping tells. What is lost the kernel counts, over all looks: where
// it is 1 % only, the 20 pings of one look are all let through by a chance of 82 % (0.99
// to the 20th), and those of 23 looks by one of 1 %. Pings themselves are held to be
// lost from 20 % on, where one look of 87 sees all of them arrive.
var netemProof = `answers=$(` + pings(20, 5) + ` | sed -n 's,.* time=\([0-9]*\).*,\1,p' | sort -n)
quickest=$(echo "$answers" | sed -n 1p)
lost=$((20 - $(echo "$answers" | sed '/^$/d' | wc -l)))
dropped=0
if [ "$loss" -gt 0 ]; then
	case $queue in *"loss $loss%"*) ;; *) echo "the queue loses another share: $queue" >&2; exit 1;; esac
	dropped=$(tc -s qdisc show dev ` + segment + ` root | sed -n 's,.*dropped \([0-9]*\).*,\1,p' | sed -n 1p)
	[ "${dropped:-0}" -gt 0 ] || { echo "the queue has lost no packet yet" >&2; exit 1; }
	[ "$lost" -gt 0 ] || [ "$loss" -lt 20 ] || { echo "no ping is lost" >&2; exit 1; }
elif [ -z "$quickest" ]; then
	# They wait 5 s: no answer is one too late only where packets are about as late.
	[ $((delay + jitter)) -ge 4000 ] || { echo "$peer does not answer at all" >&2; exit 1; }
fi
least=$((delay - jitter))
[ "${quickest:-$least}" -ge "$least" ] || { echo "a ping to $peer took $quickest ms, less than $least" >&2; exit 1; }
echo "$queue; the quickest of 20 pings to $peer took ${quickest:-for ever} ms, $lost were lost; $dropped packets dropped"
`

func newSlowNetwork() Fault {
	return &guest{
		name: "slow-network",
		doc: Doc{
			Does:   "delays and loses packets that leave nodes for other nodes (netem)",
			Needs:  "at least two machines that commands can be run in (libvirt)",
			Proved: "the kernel's queue says so; no ping to another machine takes less than the delay less its jitter; the queue has dropped packets, and pings are lost where a fifth of them or more is to be",
			Undone: "the queue is removed; the kernel says that it is gone, and the other machine answers",
		},
		effect:  Effect{On: OnNodes, Takes: TakesNothing, Slow: true},
		with:    &slowNetwork{Delay: 200 * time.Millisecond, Jitter: 50 * time.Millisecond},
		network: true,
		commands: commands{
			Was: netemFree,
			Inject: "modprobe sch_netem\n" +
				"tc qdisc replace dev " + segment + " root netem delay \"${delay}ms\" \"${jitter}ms\" loss \"$loss%\" limit 10000\n",
			Injected: netemShown + netemProof,
			Undo:     netemUndo,
			Undone:   netemUndone,
		},
	}
}
