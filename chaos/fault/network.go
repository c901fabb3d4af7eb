package fault

import "fmt"

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

// Scripts of the faults that put a netem queue before the interface. One that is
// there already is somebody's, and would be lost.
const (
	netemFree   = reached + "queue=$(tc qdisc show dev " + segment + " root)\ncase $queue in *netem*) echo \"there is one already: $queue\" >&2; exit 1;; esac\necho \"$queue\"\n"
	netemShown  = "queue=$(tc qdisc show dev " + segment + " root)\ncase $queue in *netem*) ;; *) exit 1;; esac\n"
	netemUndo   = "if tc qdisc show dev " + segment + " root | grep -q netem; then tc qdisc del dev " + segment + " root; fi\n"
	netemUndone = "if tc qdisc show dev " + segment + " root | grep -q netem; then exit 1; fi\n" + reached + "echo \"no netem on " + segment + ", $peer answers\"\n"
)

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
