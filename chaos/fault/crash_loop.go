package fault

import (
	"context"
	"fmt"

	"axolotl/vm"
)

// CrashLoop gives deployments an image whose program ends at once, as a release
// with a wrong setting does.
type CrashLoop struct {
	ImageBroken `yaml:",inline"`
}

// crashingImage is in the node image: vm/image's PingappCrash.
const crashingImage = "axolotl/pingapp:crash"

// Name implements Fault.
func (*CrashLoop) Name() string { return "crash-loop" }

// Doc implements Fault.
func (*CrashLoop) Doc() Doc {
	return Doc{
		Does:   "sets the image of the first container of deployments to one whose program ends at once with an error",
		Needs:  "containers that run (libvirt)",
		Proved: "a pod with that image exists, and its container has ended with an error",
		Undone: "the image that was is set again, unless somebody else has set one; no pod with the crashing one is left",
	}
}

// Injected implements Fault.
func (f *CrashLoop) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) {
		pods, err := podsOf(ctx, h, o)
		for _, p := range pods {
			for _, c := range p.Status.ContainerStatuses {
				ended := c.State.Terminated
				if ended == nil {
					ended = c.LastTerminationState.Terminated
				}
				if c.Name == o.Prior[priorContainer] && imageOf(p.Spec.Containers, c.Name) == f.Image && ended != nil && ended.ExitCode != 0 {
					return fmt.Sprintf("container %s of pod %s has ended with code %d", c.Name, p.Name, ended.ExitCode), nil
				}
			}
		}
		if err == nil {
			err = fmt.Errorf("%s has no pod yet whose container with image %s has ended with an error", o, f.Image)
		}
		return "", err
	})
}
