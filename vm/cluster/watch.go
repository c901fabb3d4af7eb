package cluster

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/fsnotify/fsnotify"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// Watch shows a cluster now, and after each change: of its record, of its
// machines, of its nodes. It is told of these and does not ask. It returns nil
// when the cluster is gone, and ctx's error when ctx ends.
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
	news := make(bell, 1)
	if watcher, ok := driver.(vm.Watcher); ok {
		go again(ctx, news, func() error { return s.followMachines(ctx, name, watcher, news) })
	}
	go again(ctx, news, func() error { return followNodes(ctx, c, news) })
	var shown *Status
	for {
		status, err := s.look(ctx, c, open)
		var missing *NotFoundError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &missing):
			return nil
		case err != nil:
			return err
		case status != nil && !reflect.DeepEqual(status, shown):
			if err := show(status); err != nil {
				return err
			}
			shown = status
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
		case <-records.Events:
		case err := <-records.Errors:
			return fmt.Errorf("watch %s: %w", c.Dir, err)
		}
	}
}

// look is Status where the driver may not answer, and the record may be on its
// way out; then there is nothing to see.
func (s Store) look(ctx context.Context, c *vm.Cluster, open Opener) (*Status, error) {
	now, err := s.Load(c.Name)
	var broken *BrokenError
	if errors.As(err, &broken) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if now.ID != c.ID {
		return nil, &NotFoundError{Name: c.Name} // it is another one of this name
	}
	status, err := s.Status(ctx, c.Name, open)
	if err != nil && ctx.Err() == nil {
		status, err = &Status{Name: now.Name, Phase: now.Phase, Driver: now.Driver, Server: serverOf(now), API: err.Error()}, nil
	}
	return status, err
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
func again(ctx context.Context, news bell, follow func() error) {
	for last := ""; ctx.Err() == nil; {
		err := follow()
		if text := fmt.Sprint(err); text != last {
			last = text
			news.ring()
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookAgain):
		}
	}
}

// followMachines follows the machines that the record has now: where that is
// written, some may have come.
func (s Store) followMachines(ctx context.Context, name string, watcher vm.Watcher, news bell) error {
	c, err := s.Load(name)
	if err != nil {
		return err
	}
	told, err := watcher.Watch(ctx, c)
	if err != nil {
		return err
	}
	for range told {
		news.ring()
	}
	return errors.New("nobody tells of its machines any more")
}

// followNodes follows the nodes until the API server ends that.
func followNodes(ctx context.Context, c *vm.Cluster, news bell) error {
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return err
	}
	w, err := client.Typed.CoreV1().Nodes().Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	defer w.Stop()
	news.ring()
	for range w.ResultChan() {
		news.ring()
	}
	news.ring()
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
