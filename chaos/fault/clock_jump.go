package fault

import (
	"fmt"
	"strconv"
	"time"
)

// clockJump is how far a clock is put.
type clockJump struct {
	By       time.Duration `json:"byNs" yaml:"by"`                     // how far the clock is put, 5 s or more
	Backward bool          `json:"backward,omitempty" yaml:"backward"` // back, not forward
}

// Check implements Checked. Two clocks are told apart by more than clockIs allows.
func (c *clockJump) Check() []Wrong {
	const least = 5 * time.Second
	if c.By < least {
		return []Wrong{{"by", fmt.Sprintf("want %s or more, found %s; less could not be told from the time that a look takes", least, c.By)}}
	}
	return nil
}

func (c *clockJump) variables() map[string]string {
	by := c.By
	if c.Backward {
		by = -by
	}
	return map[string]string{"by": strconv.FormatInt(by.Milliseconds()/10, 10)}
}

// What is kept of a machine's clock is its distance from the host's, which holds
// in every boot: the time since a boot does not, and that of a machine restored
// from a snapshot lacks what passed meanwhile. All in hundredths of a second.
const (
	clockDistance = "distance=$(($(date +%s%N) / 10000000 - now))\n"
	clockSet      = `at=$((now + want))
date -s "@$((at / 100)).$(printf %02d $((at % 100)))" >/dev/null
`
	// A script begins a while after the host's time was taken, up to two seconds on
	// an emulated machine. Jumps must be told from that.
	clockIs = clockDistance + `off=$((distance - want))
[ "$off" -gt -200 ]
[ "$off" -lt 200 ]
`
)

func newClockJump() Fault {
	return &guest{
		name: "clock-jump",
		doc: Doc{
			Does:   "puts the clocks of nodes forward or back: leases, tokens and certificates are judged by a wrong time there",
			Needs:  "machines that commands can be run in (libvirt)",
			Proved: "the clock's distance from the host's has changed by so much",
			Undone: "the former distance is restored, also in another boot; measured again as proof",
		},
		effect: Effect{On: OnNodes, Takes: TakesNothing},
		with:   &clockJump{By: 5 * time.Minute},
		commands: commands{
			Was:      clockDistance + "echo $distance\n",
			Inject:   "want=$((was + by))\n" + clockSet,
			Injected: "want=$((was + by))\n" + clockIs + `echo "the clock is $(((distance - was) / 100)) s off, it is $(date -Is) there"` + "\n",
			Undo:     "want=$was\n" + clockSet,
			Undone:   "want=$was\n" + clockIs + `echo "the clock is right again, it is $(date -Is) there"` + "\n",
		},
	}
}
