package cluster

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// Watch shows a cluster now, and after each change: of its record, of its
// machines, of its nodes. It is told of these and does not ask, but for an API
// server that does not answer. Whatever is known is shown at once: that a
// machine was paused is not kept back until the API server on it has not
// answered. It returns nil when the cluster is gone, and ctx's error when ctx
// ends.
func (s Store) Watch(ctx context.Context, name string, open Opener, show func(*Status) error) error {
	c, err := s.Load(name)
	if err != nil {
		return err
	}
	driver, err := open(c)
	if err != nil {
		return err
	}
	records, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", c.Dir, err)
	}
	defer records.Close() //nolint:errcheck // nothing is written there
	if err := records.Add(c.Dir); err != nil {
		return fmt.Errorf("watch %s: %w", c.Dir, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ofMachines, ofNodes := make(bell, 1), make(bell, 1)
	both := func() { ofMachines.ring(); ofNodes.ring() }
	if watcher, ok := driver.(vm.Watcher); ok {
		go again(ctx, both, func() error { return s.followMachines(ctx, name, watcher, both) })
	}
	go again(ctx, ofNodes.ring, func() error { return followNodes(ctx, c, both) })
	both()
	seen := view{driver: driver, record: c}
	machines := ask(ctx, ofMachines, func() machinesAnswer { return s.askMachines(ctx, name, driver) })
	nodes := ask(ctx, ofNodes, func() nodesAnswer {
		answer := nodesAnswer{err: s.mend(ctx, c, driver)}
		if answer.err == nil {
			answer.nodes, answer.err = askNodes(ctx, c, answerWithin)
		}
		if answer.err != nil {
			time.AfterFunc(lookAgain, ofNodes.ring)
		}
		return answer
	})
	patience := time.After(firstAnswer)
	var shown *Status
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case seen.machines = <-machines:
		case answer := <-nodes:
			seen.nodes = &answer
		case <-patience:
			if seen.nodes == nil {
				seen.nodes = &nodesAnswer{err: errors.New("no answer yet")}
			}
		case <-records.Events:
			both()
		case err := <-records.Errors:
			return fmt.Errorf("watch %s: %w", c.Dir, err)
		}
		now, err := s.Load(name)
		var broken *BrokenError
		var missing *NotFoundError
		switch {
		case errors.As(err, &broken):
			continue // it is on its way out
		case errors.As(err, &missing), err == nil && now.ID != c.ID:
			return nil // another one may have its name
		case err != nil:
			return err
		}
		seen.record = now
		if status := seen.status(); status != nil && !reflect.DeepEqual(status, shown) {
			if err := show(status); err != nil {
				return err
			}
			shown = status
		}
	}
}

const (
	// answerWithin is how long the API server has to tell of the nodes.
	answerWithin = 2 * time.Second

	// firstAnswer is how long nothing at all is shown for want of nodes: an API
	// server that is well answers sooner, and the first picture is whole.
	firstAnswer = 500 * time.Millisecond
)

// view is what is known of a cluster by those who tell.
type view struct {
	driver   vm.Driver
	record   *vm.Cluster
	machines machinesAnswer
	nodes    *nodesAnswer // nil: not yet
}

type machinesAnswer struct {
	of       []vm.Machine
	machines []vm.MachineStatus // nil: not yet
	err      error
}

type nodesAnswer struct {
	nodes map[string]*corev1.Node
	err   error
}

// status is the status to show, or nil where too little is known: a record that
// has other machines by now is news that is followed by their states.
func (v *view) status() *Status {
	c := v.record
	switch {
	case v.machines.err != nil:
		return &Status{Name: c.Name, Phase: c.Phase, Driver: c.Driver, Server: serverOf(c), API: v.machines.err.Error()}
	case v.nodes == nil, v.machines.machines == nil, !slices.Equal(v.machines.of, c.Machines):
		return nil
	}
	return statusOf(c, v.driver, v.machines.machines, v.nodes.nodes, v.nodes.err)
}

// askMachines asks for the machines that the record has now.
func (s Store) askMachines(ctx context.Context, name string, driver vm.Driver) machinesAnswer {
	c, err := s.Load(name)
	if err != nil {
		return machinesAnswer{} // it is on its way out
	}
	machines, err := driver.Machines(ctx, c)
	return machinesAnswer{of: c.Machines, machines: machines, err: err}
}

// ask asks a question each time that there is news, one at a time, until ctx
// ends.
func ask[T any](ctx context.Context, news bell, question func() T) <-chan T {
	answers := make(chan T)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-news:
			}
			answer := question()
			select {
			case <-ctx.Done():
				return
			case answers <- answer:
			}
		}
	}()
	return answers
}

// bell is rung when there may be something new. However often that was, one
// look is enough.
type bell chan struct{}

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// lookAgain is how long it takes until something that could not be followed, or
// not any more, is followed again.
const lookAgain = time.Second

// again follows something until ctx ends. That it cannot be followed is news
// the first time.
func again(ctx context.Context, ring func(), follow func() error) {
	for last := ""; ctx.Err() == nil; {
		err := follow()
		if text := fmt.Sprint(err); text != last {
			last = text
			ring()
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookAgain):
		}
	}
}

// followMachines follows the machines that the record has now: where that is
// written, some may have come.
func (s Store) followMachines(ctx context.Context, name string, watcher vm.Watcher, ring func()) error {
	c, err := s.Load(name)
	if err != nil {
		return err
	}
	told, err := watcher.Watch(ctx, c)
	if err != nil {
		return err
	}
	for range told {
		ring()
	}
	return errors.New("nobody tells of its machines any more")
}

// followNodes follows the nodes until the API server ends that.
func followNodes(ctx context.Context, c *vm.Cluster, ring func()) error {
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return err
	}
	w, err := client.Typed.CoreV1().Nodes().Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	defer w.Stop()
	ring()
	for range w.ResultChan() {
		ring()
	}
	ring()
	return nil
}

// Changes are what is other than it was in an earlier status, in lines; of nil
// all is.
func (status *Status) Changes(before *Status) []string {
	var lines []string
	if before == nil {
		before = &Status{}
	}
	if status.Phase != before.Phase || status.API != before.API {
		lines = append(lines, fmt.Sprintf("cluster %s (%s), API server: %s", status.Name, status.Phase, status.API))
	}
	was := map[string]NodeStatus{}
	for _, n := range before.Nodes {
		was[n.Name] = n
	}
	for _, n := range status.Nodes {
		if n != was[n.Name] {
			lines = append(lines, n.String())
		}
		delete(was, n.Name)
	}
	for _, n := range before.Nodes {
		if _, gone := was[n.Name]; gone && status.Nodes != nil {
			lines = append(lines, n.Name+" is gone")
		}
	}
	return lines
}

func (n NodeStatus) String() string {
	text := fmt.Sprintf("%s machine %s, Ready %s", n.Name, n.Machine, n.Ready)
	if n.Note != "" {
		text += ": " + n.Note
	}
	return text
}
