package fault

import (
	"fmt"
	"strconv"
	"time"
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
