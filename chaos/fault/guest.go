package fault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"axolotl/vm"
)

// guest is a fault that root's commands in machines make, prove and undo: in
// those of its nodes, or those that its pods run on. A file declares it as a
// value of this type.
type guest struct {
	name   string
	doc    Doc
	effect Effect
	// with points to the settings; nil for none.
	with guestSettings
	commands
	// inject is done by a machine that cannot answer afterwards: what comes
	// back from it means nothing, and the proof is that it is silent.
	fatal bool
	// endangers tells of a pod whether it may be lost by it; nil: none may.
	endangers func(p *corev1.Pod) bool
	// suits returns why a pod will not do, on which nothing would come of it; nil: any
	// that runs will.
	suits func(p *corev1.Pod) error
	// network: the scripts need $peer, another machine's address.
	network bool
}

// guestSettings are the settings of a guest fault.
type guestSettings interface {
	// variables are what its scripts see of them.
	variables() map[string]string
}

// effective are settings by which it depends what a fault takes.
type effective interface {
	// effect is the fault's as it is with them.
	effect(Effect) Effect
}

// peered are settings that say which other machine is $peer.
type peered interface {
	peer(c *vm.Cluster, machine *vm.Machine) (*vm.Machine, error)
}

// peer is the other machine that a fault on the network of one is proved by.
func (f *guest) peer(c *vm.Cluster, machine *vm.Machine) (*vm.Machine, error) {
	if p, ok := f.with.(peered); ok {
		return p.peer(c, machine)
	}
	return anyPeer(c, machine)
}

func anyPeer(c *vm.Cluster, machine *vm.Machine) (*vm.Machine, error) {
	for i := range c.Machines {
		if c.Machines[i].Name != machine.Name {
			return &c.Machines[i], nil
		}
	}
	return nil, fmt.Errorf("cluster %q has no other machine", c.Name)
}

// commands are shell scripts, run by root under "set -eu". They see $was, the
// variables of the settings, $machine, $address, the host's time in $now
// (hundredths of a second) and (network) $peer, with the addresses of its pods in
// $pods; of a pod $uid, $ip, and of its first container $container (the ID) and
// $name.
type commands struct {
	Was      string // what it prints becomes $was for the others, in the journal
	Inject   string
	Injected string // exits with 0 where the fault is seen; prints what was
	Undo     string // may come without or after Inject, any number of times
	Undone   string // as Injected, for the undo
}

// The keys under which the journal keeps what scripts need.
const (
	priorWas     = "was"
	priorPeer    = "peer"
	priorPods    = "pods"
	priorAddress = "address"
)

// Name implements Fault.
func (f *guest) Name() string { return f.name }

// Doc implements Fault.
func (f *guest) Doc() Doc { return f.doc }

// Effect implements Fault.
func (f *guest) Effect() Effect {
	if e, ok := f.with.(effective); ok {
		return e.effect(f.effect)
	}
	return f.effect
}

// Endangers implements Endangering.
func (f *guest) Endangers(context.Context, *vm.Handle, Target) (func(p *corev1.Pod) bool, error) {
	return f.endangers, nil
}

// Settings implements Configured.
func (f *guest) Settings() any {
	if f.with == nil {
		return &struct{}{}
	}
	return f.with
}

// Available implements Fault.
func (f *guest) Available(_ context.Context, h *vm.Handle) error {
	if _, err := executor(h); err != nil {
		return err
	}
	if f.network && len(h.Cluster.Machines) < 2 {
		return fmt.Errorf("cluster %q has one machine, and so no traffic between machines; use one with --workers 1 or more", h.Cluster.Name)
	}
	return nil
}

// Prepare implements Fault.
func (f *guest) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		o := Object{Target: t, Prior: map[string]string{}}
		if t.Kind == OnPods {
			var err error
			if o.Prior, err = podInside(ctx, h, t, f.suits); err != nil {
				return nil, err
			}
		}
		machine, err := ownMachine(h, machineOf(o))
		if err != nil {
			return nil, err
		}
		o.Prior[priorUUID], o.Prior[priorAddress] = machine.UUID, machine.Address
		if f.network {
			peer, err := f.peer(h.Cluster, machine)
			if err != nil {
				return nil, err
			}
			o.Prior[priorPeer], o.Prior[priorPods] = peer.Address, vm.PodSubnet(peer.Index)
		}
		if o.Prior[priorBoot], err = bootOf(ctx, h, machine.Name); err == nil && f.Was != "" {
			o.Prior[priorWas], err = f.run(ctx, h, o, f.Was)
		}
		return o.Prior, err
	})
}

// run runs a script in the machine of an object.
func (f *guest) run(ctx context.Context, h *vm.Handle, o Object, script string) (string, error) {
	if removed(h, o) {
		return "", errVanished
	}
	inside, err := executor(h)
	if err != nil {
		return "", err
	}
	out, err := inside.Exec(ctx, h.Cluster, machineOf(o), "/bin/sh", "-c", f.prelude(o)+script)
	return strings.TrimSpace(out), err
}

// prelude sets the variables of a script.
func (f *guest) prelude(o Object) string {
	variables := map[string]string{
		"machine": machineOf(o), "address": o.Prior[priorAddress], "peer": o.Prior[priorPeer], "pods": o.Prior[priorPods], "was": o.Prior[priorWas],
		"now": strconv.FormatInt(time.Now().UnixMilli()/10, 10),
	}
	if o.Kind == OnPods {
		maps.Copy(variables, map[string]string{
			"uid": string(o.UID), "ip": o.Prior[priorIP], "container": o.Prior[priorContainerID], "name": o.Prior[priorContainer],
		})
	}
	if f.with != nil {
		maps.Copy(variables, f.with.variables())
	}
	var b strings.Builder
	b.WriteString(shellBegin)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		fmt.Fprintf(&b, "%s='%s'\n", name, strings.ReplaceAll(variables[name], "'", `'\''`))
	}
	return b.String()
}

// Inject implements Fault.
func (f *guest) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, f.name+" on", func(o Object) error {
		_, err := f.run(ctx, h, o, f.commands.Inject)
		if f.fatal && ctx.Err() == nil && !vanished(err) {
			return nil
		}
		return err
	})
}

// Injected implements Fault.
func (f *guest) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	if f.fatal {
		return look(objects, func(o Object) (string, error) { return silent(ctx, h, o) })
	}
	return f.see(ctx, h, objects, f.commands.Injected, "has not taken effect")
}

// see proves by a script in each machine, in all at once: a look has so much time,
// however many there are.
func (f *guest) see(ctx context.Context, h *vm.Handle, objects []Object, script, otherwise string) (string, error) {
	return lookAtOnce(objects, func(o Object) (string, error) {
		seen, err := f.run(ctx, h, o, script)
		if err != nil {
			return "", fmt.Errorf("%s %s on %s: %w", f.name, otherwise, o, err)
		}
		return fmt.Sprintf("machine %s: %s", machineOf(o), strings.Join(strings.Fields(seen), " ")), nil
	})
}

// Undo implements Fault. A machine that cannot be asked, because the fault
// was fatal, is started anew, as far as the driver can. One that has booted
// since holds nothing of the fault but what is on its disk, which Undo mends
// like all else.
func (f *guest) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	return mend(objects, "undo "+f.name+" on", func(o Object) error {
		_, err := f.run(ctx, h, o, f.commands.Undo)
		if err == nil || vanished(err) || !f.fatal {
			return err
		}
		if f.effect.Takes == TakesBoots {
			return nil // it comes back by itself, which Undone proves
		}
		if started := StartAnew(ctx, h, o.Name); started != nil {
			return errors.Join(err, started)
		}
		return nil
	})
}

// Undone implements Fault.
func (f *guest) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	if f.fatal {
		return readyInOwnBoot(ctx, h, objects)
	}
	return f.see(ctx, h, objects, f.commands.Undone, "is not undone")
}
