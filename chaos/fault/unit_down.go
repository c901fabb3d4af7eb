package fault

import (
	"fmt"
	"strconv"
)

// unitDown is how a unit goes down.
type unitDown struct {
	Kill bool `json:"kill,omitempty" yaml:"kill"` // only its process is killed; systemd starts it again
}

// variables implements guestSettings.
func (u *unitDown) variables() map[string]string {
	return map[string]string{"kill": strconv.FormatBool(u.Kill)}
}

// unit is a fault that stops a systemd unit in the machines of nodes.
func unit(name, unit, takes string, effect Effect) *guest {
	return &guest{
		name: name,
		doc: Doc{
			Does:   fmt.Sprintf("stops %s, or only kills its process: %s", unit, takes),
			Needs:  "machines that commands can be run in (libvirt)",
			Proved: "systemd says that it is inactive, and it has no main process; where it was only killed, that this is another one or none",
			Undone: "it is started; systemd says that it is active, with a main process",
		},
		effect: effect,
		with:   &unitDown{},
		commands: commands{
			Was: fmt.Sprintf("systemctl is-active -q %[1]s || { echo \"%[1]s does not run\" >&2; exit 1; }\nsystemctl show -P MainPID %[1]s\n", unit),
			// The main process alone is killed, or a stop would wait for a minute
			// and a half; containerd's control group holds the containers' shims.
			Inject: fmt.Sprintf("pid=$(systemctl show -P MainPID %[1]s)\n[ \"$pid\" = 0 ] || kill -9 \"$pid\"\n[ $kill = true ] || systemctl stop %[1]s\n", unit),
			Injected: fmt.Sprintf("pid=$(systemctl show -P MainPID %[1]s)\n"+
				"if [ $kill = true ]; then [ \"$pid\" != \"$was\" ]; echo \"process $was of %[1]s is gone\"; exit 0; fi\n"+
				"[ \"$pid\" = 0 ]\nstate=$(systemctl is-active %[1]s || true)\n[ \"$state\" != active ]\necho \"%[1]s is $state and has no main process\"\n", unit),
			Undo:   fmt.Sprintf("systemctl reset-failed %[1]s || true\nsystemctl start %[1]s\n", unit),
			Undone: fmt.Sprintf("systemctl is-active -q %[1]s\npid=$(systemctl show -P MainPID %[1]s)\nkill -0 \"$pid\"\necho \"%[1]s is active, process $pid\"\n", unit),
		},
	}
}

// onControlPlane is the effect of faults on a component of the control plane.
var onControlPlane = Effect{On: OnNodes, Takes: TakesNothing, Role: "control-plane"}
