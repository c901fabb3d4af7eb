package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/kubectl/pkg/drain"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/term"
	"axolotl/vm"
)

// AddWorkers gives a group of a cluster more workers (the first group of workers
// where it has no name) and returns their names when they are Ready. What an
// interrupted one has begun is completed by Up.
func (s Store) AddWorkers(ctx context.Context, name, group string, count int, open Opener, progress *term.Progress) ([]string, error) {
	h, grower, release, err := s.growing(ctx, name, open)
	if err != nil {
		return nil, err
	}
	defer release()
	group, err = workerGroup(h.Cluster, group)
	if err != nil {
		return nil, err
	}
	return s.addWorkers(ctx, h, grower, h.Cluster.Spec.Resize(group, count), progress)
}

// workerGroup is the name of a group of workers; of none, that of the first.
func workerGroup(c *vm.Cluster, name string) (string, error) {
	var names []string
	for _, g := range c.Spec.AllGroups() {
		if g.Role == vm.Worker {
			names = append(names, g.Name)
		}
	}
	switch {
	case len(names) == 0:
		return "", fmt.Errorf("the file of cluster %q has no workers; add a group to it and run 'axolotl up -f FILE'", c.Name)
	case name == "":
		return names[0], nil
	case !slices.Contains(names, name):
		return "", fmt.Errorf("cluster %q has no group of workers %q; it has %s", c.Name, name, strings.Join(names, ", "))
	}
	return name, nil
}

// addWorkers makes the machines that a spec has more than the cluster.
func (s Store) addWorkers(ctx context.Context, h *vm.Handle, grower vm.Grower, grown vm.Spec, progress *term.Progress) ([]string, error) {
	c := h.Cluster
	if err := settledMachines(c); err != nil {
		return nil, err
	}
	c.Spec = grown
	if err := s.record(ctx, h.Driver, c); err != nil {
		return nil, err
	}
	joined := c.Joining
	return joined, Run(ctx, progress, slices.Concat(grower.Join(c, joined...), ready(h), s.joined(c)))
}

// settledMachines returns an error where machines, others than those named, are
// still joining.
func settledMachines(c *vm.Cluster, but ...string) error {
	joining := slices.DeleteFunc(slices.Clone(c.Joining), func(name string) bool { return slices.Contains(but, name) })
	if len(joining) == 0 {
		return nil
	}
	return fmt.Errorf("machines %v of cluster %q have not joined yet; finish that first ('axolotl up %s')", joining, c.Name, c.Name)
}

// joined notes that no machine is joining any more.
func (s Store) joined(c *vm.Cluster) []vm.Action {
	return []vm.Action{{Name: "Record the machines", Run: func(context.Context, *term.Step) error {
		c.HaveJoined(c.Joining...)
		return s.Save(c)
	}}}
}

// rejoin lists what throws machines away, makes them anew without a golden
// snapshot, and waits until they are alive. What the API server knew of their nodes
// before proves nothing.
func rejoin(h *vm.Handle, grower vm.Grower, machines []string) []vm.Action {
	c := h.Cluster
	var left time.Time
	actions := []vm.Action{{Name: "Throw away what is there of " + strings.Join(machines, ", "), Run: func(ctx context.Context, _ *term.Step) error {
		var errs []error
		for _, name := range machines {
			errs = append(errs, grower.Leave(ctx, c, name))
		}
		left = time.Now()
		return errors.Join(errs...)
	}}}
	actions = append(actions, grower.Join(c, machines...)...)
	actions = append(actions, vm.Action{Name: "Wait until they are alive", Run: func(ctx context.Context, step *term.Step) error {
		return wait(ctx, h, aliveSince(h, left, machines...), step)
	}})
	for _, name := range machines {
		if m := c.Machine(name); m.Role == vm.ControlPlane {
			actions = append(actions, vm.Action{Name: "Wait for the API server of " + name, Run: func(ctx context.Context, step *term.Step) error {
				return awaitOwnAPI(ctx, h, m, step)
			}})
		}
	}
	return actions
}

// awaitOwnAPI waits until the API server on a machine of several is ready, which it
// is not without its etcd.
func awaitOwnAPI(ctx context.Context, h *vm.Handle, m *vm.Machine, step *term.Step) error {
	config := rest.CopyConfig(h.Kube.Config)
	config.Host = fmt.Sprintf("https://127.0.0.1:%d", m.APIPort)
	client, err := kube.New(config)
	if err != nil {
		return err
	}
	return wait(ctx, h, check.APIServer{Client: client}, step)
}

// DrainWait is how long a node's pods have to go when it is removed.
const DrainWait = 2 * time.Minute

// RemoveWorkers drains workers, takes their nodes out of Kubernetes and removes
// their machines. With force, what does not let itself be drained is lost. One
// that was interrupted is completed by the next call.
func (s Store) RemoveWorkers(ctx context.Context, name string, nodes []string, force bool, open Opener, progress *term.Progress) error {
	h, grower, release, err := s.growing(ctx, name, open)
	if err != nil {
		return err
	}
	defer release()
	for _, node := range nodes {
		if err := isWorker(h.Cluster, node, "remove"); err != nil {
			return err
		}
	}
	return s.removeWorkers(ctx, h, grower, nodes, force, progress)
}

func (s Store) removeWorkers(ctx context.Context, h *vm.Handle, grower vm.Grower, nodes []string, force bool, progress *term.Progress) error {
	for _, node := range nodes {
		if err := s.removeWorker(ctx, h, grower, node, force, progress); err != nil {
			return fmt.Errorf("remove node %s: %w", node, err)
		}
	}
	return nil
}

func (s Store) removeWorker(ctx context.Context, h *vm.Handle, grower vm.Grower, node string, force bool, progress *term.Progress) error {
	c := h.Cluster
	return Run(ctx, progress, []vm.Action{
		{Name: "Drain " + node, Run: func(ctx context.Context, _ *term.Step) error {
			err := drainNode(ctx, h.Kube, node)
			if err != nil && ctx.Err() == nil && force {
				progress.Line("%s goes, though it could not be drained: %v", node, err)
				return nil
			}
			if err != nil {
				return fmt.Errorf("%w ('axolotl node remove %s %s --force' removes it nevertheless)", err, c.Name, node)
			}
			return nil
		}},
		{Name: "Remove " + node, Run: func(ctx context.Context, _ *term.Step) error {
			err := h.Kube.Typed.CoreV1().Nodes().Delete(ctx, node, metav1.DeleteOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
			if err := grower.Leave(ctx, c, node); err != nil {
				return err
			}
			c.Spec = c.Spec.Resize(c.Spec.GroupOf(c.Machine(node)).Name, -1)
			c.Machines = slices.DeleteFunc(c.Machines, func(m vm.Machine) bool { return m.Name == node })
			c.HaveJoined(node)
			return s.Save(c)
		}},
	})
}

// drainNode empties a node by kubectl's own library. A node that is not there
// is empty. One that stays takes pods as before.
func drainNode(ctx context.Context, client *kube.Client, name string) error {
	node, err := client.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	helper := &drain.Helper{
		Ctx: ctx, Client: client.Typed, GracePeriodSeconds: -1, IgnoreAllDaemonSets: true, DeleteEmptyDirData: true,
		Force: true, Timeout: DrainWait, Out: io.Discard, ErrOut: io.Discard,
	}
	cordoned := node.Spec.Unschedulable
	if err := drain.RunCordonOrUncordon(helper, node, true); err != nil {
		return err
	}
	err = drain.RunNodeDrain(helper, name)
	if err == nil || cordoned {
		return err
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), uncordonWithin)
	defer cancel()
	helper.Ctx = limited
	return errors.Join(err, drain.RunCordonOrUncordon(helper, node, false))
}

// uncordonWithin is how long the API server may take to give a node back.
const uncordonWithin = 10 * time.Second

// RecreateNodes throws machines of nodes away, whatever they are now, and has
// them back while the others run on. Workers are restored from the golden snapshot
// that they came from, unless cold. Of several control planes one at a time is
// booted, and gets from the others what is in etcd. Their names stay, and so do
// the pods that belong there; what those had on the node's disk is gone. Others
// that are not well are not waited for. One that was interrupted is completed by
// the next for the same nodes, and by Up.
func (s Store) RecreateNodes(ctx context.Context, name string, nodes []string, cold bool, open Opener, progress *term.Progress) error {
	h, grower, release, err := s.growing(ctx, name, open)
	if err != nil {
		return err
	}
	defer release()
	c := h.Cluster
	if err := settledMachines(c, nodes...); err != nil {
		return err
	}
	if rejoiner, ok := grower.(vm.Rejoiner); ok {
		if err := rejoiner.CanRejoin(ctx, c, nodes...); err != nil {
			return err
		}
	}
	if err := replaceable(ctx, h, nodes); err != nil {
		return err
	}
	freezer, cannot := vm.FreezerOf(h.Driver)
	var restored, booted []string
	for _, node := range nodes {
		if !cold && cannot == nil && c.Machine(node).Role == vm.Worker && s.holds(ctx, c, freezer, node) {
			restored = append(restored, node)
		} else {
			booted = append(booted, node)
		}
	}
	var actions []vm.Action
	if len(restored) > 0 {
		var resumed time.Time
		actions = append(actions,
			vm.Action{Name: "Restore the machines", Run: func(ctx context.Context, _ *term.Step) (err error) {
				c.BackFromGolden(restored...)
				resumed, err = freezer.Thaw(ctx, c, s.Home.Golden(c.Golden), restored...)
				return err
			}},
			vm.Action{Name: "Wait until they are alive", Run: func(ctx context.Context, step *term.Step) error {
				return wait(ctx, h, aliveSince(h, resumed, restored...), step)
			}})
	}
	if len(booted) > 0 {
		if err := supply(ctx, c, h.Driver, progress); err != nil {
			return err
		}
		actions = append(actions, rejoin(h, grower, booted)...)
	}
	c.BeginJoining(nodes...)
	if err := s.Save(c); err != nil {
		return err
	}
	return Run(ctx, progress, slices.Concat(actions, ready(h, nodes...), s.joined(c)))
}

// replaceable returns an error where a node's machine cannot be made anew while the
// others run on: the only control plane, and one of several without the others.
func replaceable(ctx context.Context, h *vm.Handle, nodes []string) error {
	c := h.Cluster
	var one string
	for _, node := range nodes {
		m := c.Machine(node)
		if m == nil || m.Role == vm.Worker || c.Spec.ControlPlanes < 2 {
			if err := isWorker(c, node, "recreate"); err != nil {
				return err
			}
			continue
		}
		if one != "" {
			return fmt.Errorf("%s and %s are control planes; recreate one at a time, for each gets from the others what is in etcd", one, node)
		}
		one = node
	}
	if one == "" {
		return nil
	}
	return quorumWithout(ctx, h, one)
}

// holds tells whether a machine can be restored from its cluster's golden
// snapshot: there is one of its name, number, sizes and settings in it.
func (s Store) holds(ctx context.Context, c *vm.Cluster, freezer vm.Freezer, machine string) bool {
	if c.Golden == "" {
		return false
	}
	g, err := s.restorable(ctx, c, freezer)
	return err == nil && slices.ContainsFunc(vm.PlanMachines(nil, g.Spec), func(frozen vm.Machine) bool {
		m := c.Machine(machine)
		return m.Name == frozen.Name && m.Index == frozen.Index && c.Spec.GroupOf(m).AlikeMachines(g.Spec.GroupOf(&frozen))
	})
}

// ready lists what waits until all nodes of a cluster that runs, or those named,
// are Ready and the DNS answers on each.
func ready(h *vm.Handle, names ...string) []vm.Action {
	which := "all nodes are"
	if len(names) > 0 {
		which = strings.Join(names, ", ") + " is"
	}
	actions := []vm.Action{{Name: "Wait until " + which + " Ready", Run: func(ctx context.Context, step *term.Step) error {
		return wait(ctx, h, nodesReady(h, names...), step)
	}}}
	if !h.Driver.Traits().RealPods {
		return actions
	}
	return append(actions, vm.Action{Name: "Wait until the cluster's DNS answers", Run: func(ctx context.Context, step *term.Step) error {
		return wait(ctx, h, dnsAnswers(h, names...), step)
	}})
}

// growing locks a cluster that is up and whose driver can change its machines.
func (s Store) growing(ctx context.Context, name string, open Opener) (*vm.Handle, vm.Grower, func(), error) {
	_, release, err := s.take(name)
	if err != nil {
		return nil, nil, nil, err
	}
	h, err := s.openTaken(ctx, name, open)
	if err != nil {
		release()
		return nil, nil, nil, err
	}
	grower, ok := h.Driver.(vm.Grower)
	if !ok {
		release()
		return nil, nil, nil, errNoGrower(h.Driver)
	}
	return h, grower, release, nil
}

func errNoGrower(driver vm.Driver) error {
	return fmt.Errorf("driver %s cannot add or remove machines: it does not own them", driver.Name())
}

func isWorker(c *vm.Cluster, node, do string) error {
	m := c.Machine(node)
	switch {
	case m == nil:
		return fmt.Errorf("cluster %q has no node %q ('axolotl node list %s' shows them)", c.Name, node, c.Name)
	case m.Role == vm.ControlPlane:
		return fmt.Errorf("node %s is a control plane, and etcd is on its disk; %s a worker, start it anew ('axolotl node stop %s %s', then 'start'), or recreate the whole cluster ('axolotl recreate %s')",
			node, do, c.Name, node, c.Name)
	}
	return nil
}

// among are the machines of a cluster that are named, or all where none is.
func among(c *vm.Cluster, names []string) []vm.Machine {
	if len(names) == 0 {
		return c.Machines
	}
	return only(c, names).Machines
}

// only is a cluster's record with some of its machines.
func only(c *vm.Cluster, names []string) *vm.Cluster {
	part := *c
	part.Machines = slices.DeleteFunc(slices.Clone(c.Machines), func(m vm.Machine) bool { return !slices.Contains(names, m.Name) })
	return &part
}
