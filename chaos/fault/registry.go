package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"axolotl/vm"
)

// ErrNoTarget is Inject's error where every target was gone already.
var ErrNoTarget = errors.New("every target was gone before the fault struck; run it again")

// makers make each fault with its default settings.
var makers = []func() Fault{
	func() Fault { return &PodDeletion{} },
	func() Fault { return &PodEviction{Within: 30 * time.Second} },
	func() Fault { return &LabelTornOff{} },
	func() Fault { return &ImageBroken{Image: "axolotl.invalid/broken:0"} }, // RFC 6761: .invalid never resolves
	func() Fault { return &CrashLoop{ImageBroken{Image: crashingImage}} },
	newContainerKill, newReadinessLost,
	func() Fault { return &ScaleToZero{} },
	func() Fault { return &ConfigDeletion{config{OnConfigMaps}} },
	func() Fault { return &ConfigDeletion{config{OnSecrets}} },
	func() Fault { return &ConfigAlteration{config: config{OnConfigMaps}, Value: "altered by axolotl"} },
	func() Fault { return &ConfigAlteration{config: config{OnSecrets}, Value: "altered by axolotl"} },
	func() Fault { return &NodeCordon{} },
	func() Fault { return &NodeDrain{Timeout: time.Minute} },
	func() Fault { return &NodeTaint{Key: "axolotl.dev/chaos"} },
	func() Fault { return &PowerCut{} },
	func() Fault { return &MachineReset{} },
	func() Fault { return &NodeFreeze{} },
	func() Fault { return &MachineRuin{vm.Worker} },
	func() Fault { return &MachineRuin{vm.ControlPlane} },
	newNodeReboot, newKernelPanic,
	newKubeletStop, newContainerdStop,
	newAPIServerDown, newControllerManagerDown, newSchedulerDown, newEtcdPaused, newEtcdSlow,
	newNetworkPartition, newSlowNetwork, newNetworkCorruption, newNetworkBandwidth, newNodeLinkDown,
	func() Fault { return &DNSOutage{} },
	newClockJump, newDiskFull, newMemoryPressure, newMemorySqueezed, newCPUPressure,
	newPodCPUPressure, newPodMemoryPressure, newPodDiskFull,
	newDiskThrottled, newDiskErrors, newCPUSqueezed,
}

// All returns every fault with default settings.
func All() []Fault {
	var all []Fault
	for _, maker := range makers {
		all = append(all, maker())
	}
	return all
}

// Names returns the names of all faults.
func Names() []string {
	var names []string
	for _, f := range All() {
		names = append(names, f.Name())
	}
	return names
}

// New returns the fault with this name, with default settings.
func New(name string) (Fault, error) {
	all := All()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name() == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no fault %q; choose one of: %s", name, strings.Join(Names(), ", "))
	}
	return all[i], nil
}

// Configured is a fault whose settings are not the fault's value itself.
type Configured interface {
	// Settings points to the settings, or to an empty struct.
	Settings() any
}

// Settings points to the settings of a fault, as files have them.
func Settings(f Fault) any {
	if c, ok := f.(Configured); ok {
		return c.Settings()
	}
	return f
}

// Spec is a fault as it is kept in files: its name and its settings.
type Spec struct {
	Name string          `json:"name"`
	With json.RawMessage `json:"with,omitempty"`
}

// SpecOf returns a fault in the form for files.
func SpecOf(f Fault) (Spec, error) {
	with, err := json.Marshal(Settings(f))
	if err != nil {
		return Spec{}, fmt.Errorf("encode fault %s: %w", f.Name(), err)
	}
	return Spec{Name: f.Name(), With: with}, nil
}

// Fault returns the fault that a file tells of.
func (s Spec) Fault() (Fault, error) {
	f, err := New(s.Name)
	if err != nil {
		return nil, err
	}
	if len(s.With) > 0 {
		if err := json.Unmarshal(s.With, Settings(f)); err != nil {
			return nil, fmt.Errorf("settings of fault %s: %w", s.Name, err)
		}
	}
	return f, nil
}
