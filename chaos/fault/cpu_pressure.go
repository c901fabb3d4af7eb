package fault

import "strconv"

// cpuPressure is how many busy loops there are for each processor.
type cpuPressure struct {
	PerCPU int `json:"perCPU" yaml:"perCPU"` // endless loops for each processor
}

// Check implements Checked.
func (c *cpuPressure) Check() []Wrong { return atLeast("perCPU", c.PerCPU, 1) }

func (c *cpuPressure) variables() map[string]string {
	return map[string]string{"per": strconv.Itoa(c.PerCPU)}
}

func newCPUPressure() Fault {
	const hog = "axolotl-chaos-cpu.service"
	return &guest{
		name: "cpu-pressure",
		doc: Doc{
			Does:   "keeps the processors of nodes busy with endless loops",
			Needs:  pressureNeeds,
			Proved: "the kernel's idle time grows by less than half of a second's worth in a second",
			Undone: "the loops' unit is stopped; systemd says that it is, and has no process left",
		},
		effect: Effect{On: OnNodes, Takes: TakesNothing},
		with:   &cpuPressure{PerCPU: 4},
		commands: commands{
			Was: "nproc\n",
			Inject: "systemctl is-active -q " + hog + " || systemd-run --quiet --collect --unit=" + hog +
				" /bin/sh -c \"i=$((was * per)); while [ \\$i -gt 0 ]; do while :; do :; done & i=\\$((i - 1)); done; wait\"\n",
			Injected: "systemctl is-active -q " + hog + "\nidle() { set -- $(head -n 1 /proc/stat); echo $5; }\n" +
				"before=$(idle)\nsleep 1\nidle=$((($(idle) - before) / was))\n[ $idle -lt 50 ]\necho \"the processors were idle for $idle % of a second\"\n",
			Undo:   "systemctl stop " + hog + " 2>/dev/null || ! systemctl is-active -q " + hog + "\n",
			Undone: "if systemctl is-active -q " + hog + "; then exit 1; fi\necho \"no loop is left\"\n",
		},
	}
}
