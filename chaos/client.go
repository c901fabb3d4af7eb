package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"axolotl/chaos/fault"
	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
	"axolotl/internal/check"
	"axolotl/vm"
)

// client is the probe of a run, and the pod names by which it knows whose an
// answer is.
type client struct {
	*probe.Probe
	settings probe.Settings
	path     string // the machine through which it looks
	log      *timeline.Log

	mu    sync.Mutex
	read  int             // observations taken into account
	names map[string]bool // of every pod seen
}

func startClient(ctx context.Context, log *timeline.Log, settings probe.Settings) *client {
	c := &client{settings: settings, log: log, names: map[string]bool{}}
	settings.Answered = func(body string) {
		log.Add(timeline.Observation{Answer: &timeline.Answer{From: c.from(body)}})
	}
	c.Probe = probe.Start(ctx, settings)
	return c
}

// answering returns nil after enough good answers in a row, to what was asked since
// an instant.
func (c *client) answering(since time.Time) error {
	if n := c.Streak(since); n < steadyStreak {
		return fmt.Errorf("%s gave %d good answers in a row, not yet %d; last failure: %q", c.settings.URL, n, steadyStreak, c.LastFailure())
	}
	return nil
}

// well is when the first good answer after the last failure arrived, since
// an instant; 0 where nothing has failed since.
func (c *client) well(since time.Time) time.Duration {
	requests := c.Requests()
	var lastFailure, good time.Duration
	for _, q := range requests {
		if sent := q.Sent.Sub(since); q.Fail != "" && sent >= 0 {
			lastFailure = max(lastFailure, sent)
		}
	}
	if lastFailure == 0 {
		return 0
	}
	for _, q := range requests {
		arrived := q.Sent.Add(q.Took).Sub(since)
		if q.Fail == "" && q.Sent.Sub(since) > lastFailure && (good == 0 || arrived < good) {
			good = arrived
		}
	}
	return good
}

// from is the pod whose name stands in an answer, as a word; empty for none.
func (c *client) from(body string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	tail := c.log.Tail(c.read)
	c.read += len(tail)
	for _, o := range tail {
		if o.Pod != nil {
			c.names[o.Pod.Name] = true
		}
	}
	words := strings.FieldsFunc(body, func(r rune) bool {
		return !(r == '-' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z')
	})
	for _, w := range words {
		if c.names[w] {
			return w
		}
	}
	return ""
}

// clientURL is where a client on this host reaches the target without passing
// the API server: a NodePort of a service that leads to its pods, on a machine
// that the fault leaves alone where there is one.
func (r *run) clientURL(ctx context.Context) (url, path string, err error) {
	s, err := r.awaitPods(ctx)
	if err != nil {
		return "", "", err
	}
	services, err := r.kube.Typed.CoreV1().Services(r.target.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", "", fmt.Errorf("services: %w", err)
	}
	nodePort := nodePortTo(services.Items, s.pods)
	if nodePort == 0 {
		return "", "", &Refusal{"client-path", fmt.Sprintf("no NodePort service in namespace %q leads to the target, so a client cannot be played", r.target.Namespace),
			"expose it with a service of type NodePort, or run with --no-probe"}
	}
	through := r.vantage(ctx, s)
	address, err := through.NodePortAddress(nodePort)
	if err != nil {
		return "", "", &Refusal{"client-path", err.Error(), "use a NodePort that is forwarded, or run with --no-probe"}
	}
	return "http://" + address + r.experiment.Probe.Path, through.Name, nil
}

// awaitPods waits until the target has pods: the controller of a target that
// was just put up takes a moment.
func (r *run) awaitPods(ctx context.Context) (*scene, error) {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	var s *scene
	err := check.Wait(ctx, check.Func("the target has pods", func(ctx context.Context) error {
		var err error
		if s, err = readScene(ctx, r.kube, r.target); err == nil && len(s.pods) == 0 {
			err = errors.New("it has none")
		}
		return err
	}), pollEvery, nil)
	return s, err
}

// nodePortTo is the first NodePort of a service that selects all of the pods,
// or 0.
func nodePortTo(services []corev1.Service, pods []corev1.Pod) int {
	for _, s := range services {
		selector := labels.SelectorFromSet(s.Spec.Selector)
		misses := func(p corev1.Pod) bool { return !selector.Matches(labels.Set(p.Labels)) }
		if selector.Empty() || len(pods) == 0 || slices.ContainsFunc(pods, misses) {
			continue
		}
		for _, p := range s.Spec.Ports {
			if p.NodePort != 0 {
				return int(p.NodePort)
			}
		}
	}
	return 0
}

// vantage is the machine through which the client looks: one that nothing can strike,
// where there is one, else one that the seed does not strike.
func (r *run) vantage(ctx context.Context, s *scene) *vm.Machine {
	may, will := r.mayStrike(ctx, s)
	for _, struck := range []map[string]bool{may, will} {
		for i := range r.home.Machines {
			if m := &r.home.Machines[i]; !struck[m.Name] {
				return m
			}
		}
	}
	return &r.home.Machines[0]
}

// mayStrike are the nodes that the run may strike, and those that it will as far as is
// known before: what steps strike, of what is there now.
func (r *run) mayStrike(ctx context.Context, s *scene) (may, will map[string]bool) {
	may, will = map[string]bool{}, map[string]bool{}
	note := func(in map[string]bool, all []fault.Target) {
		for _, t := range all {
			in[t.Name] = true
		}
	}
	if f := r.experiment.Fault; f != nil && f.Effect().On == fault.OnNodes {
		note(will, choose(s.nodeTargets(r.experiment), r.target, r.seed))
		return will, will
	}
	parts := uint64(0) // before the next one, by which it chooses
	for _, step := range r.experiment.Steps {
		for _, m := range step.members() {
			parts++
			if m.Fault.Effect().On != fault.OnNodes || m.Fault.Available(ctx, r.handle) != nil {
				continue
			}
			e, of := r.experiment.alone(m), *s
			if m.Each {
				of.pods = nil // as turns has it
			}
			all := of.nodeTargets(e)
			note(may, all)
			if m.Each {
				note(will, all)
				parts += uint64(max(len(all), 1)) - 1
				continue
			}
			note(will, choose(all, e.Target, r.seed+parts))
		}
	}
	return may, will
}

// pathStruck is the machine through which the client looked, where a fault struck that:
// then it is not the service alone that has not answered. Empty for none.
func (r *run) pathStruck() string {
	together := []*run{r}
	for _, p := range r.parts {
		together = append(together, p.run)
	}
	for _, x := range together {
		f := x.experiment.Fault
		if !x.injected || f == nil || f.Effect().On != fault.OnNodes || !fault.OnMachines(f) || f.Effect().Etcd || slices.Contains(sparesEtcd, f.Name()) {
			continue // the path does not lead by it
		}
		if slices.ContainsFunc(x.targets, func(o fault.Object) bool { return o.Name == r.client.path }) {
			return r.client.path
		}
	}
	return ""
}
