package fault

import (
	"strconv"
	"time"
)

// clockJump is how far a clock is put.
type clockJump struct {
	By       time.Duration `json:"byNs" yaml:"by"`
	Backward bool          `json:"backward,omitempty" yaml:"backward"`
}

func (c *clockJump) variables() map[string]string {
	by := c.By
	if c.Backward {
		by = -by
	}
	return map[string]string{"by": strconv.FormatInt(by.Milliseconds()/10, 10)}
}

// A machine's clock is told apart from the time that passes by its distance
// from the time since its boot, which no setting of the clock moves. All in
// hundredths of a second, as the kernel gives the time since boot.
const (
	clockDistance = `read up _ </proc/uptime
up=$(echo "$up" | tr -d .)
distance=$(($(date +%s%N) / 10000000 - up))
`
	clockSet = `read up _ </proc/uptime
at=$((want + $(echo "$up" | tr -d .)))
date -s "@$((at / 100)).$(printf %02d $((at % 100)))" >/dev/null
`
	clockIs = clockDistance + `off=$((distance - want))
[ "$off" -gt -100 ]
[ "$off" -lt 100 ]
`
)

func newClockJump() Fault {
	return &guest{
		name: "clock-jump",
		doc: Doc{
			Does:   "puts the clocks of nodes forward or back: leases, tokens and certificates are judged by a wrong time there",
			Needs:  "machines that commands can be run in (libvirt)",
			Proved: "the clock's distance from the time since boot, which no setting moves, has changed by so much",
			Undone: "the former distance is restored, with the time that has passed since; measured again as proof",
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
