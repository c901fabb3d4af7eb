package minikube

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Join implements vm.Grower.
func (d *Driver) Join(c *vm.Cluster, names ...string) []vm.Action {
	var actions []vm.Action
	for _, name := range names {
		actions = append(actions, vm.Action{Name: "Add " + name + " with minikube", Run: func(ctx context.Context, _ *term.Step) error {
			return join(ctx, c, name)
		}})
	}
	return actions
}

// join adds a machine, or starts it where it is there.
func join(ctx context.Context, c *vm.Cluster, name string) error {
	have, err := nodes(ctx, c)
	if err != nil {
		return err
	}
	if slices.Contains(have, name) {
		_, err := of(c).run(ctx, nil, "node", "start", name)
		return err
	}
	if err := next(c, have, name); err != nil {
		return err
	}
	_, err = of(c).run(ctx, nil, "node", "add")
	return err
}

// next refuses a machine that is not the one that minikube would add to those
// that there are: it gives the number after the last one's.
func next(c *vm.Cluster, have []string, name string) error {
	if len(have) == 0 {
		return fmt.Errorf("minikube has no profile %s any more; 'axolotl up %s' makes it anew", profile(c), c.Name)
	}
	if would := nodeName(c, numberOf(c, have[len(have)-1])+1); would != name {
		return fmt.Errorf("minikube would add %s, and cannot add %s; remove that ('axolotl node remove %s %s') and add another ('axolotl node add %s')",
			would, name, c.Name, name, c.Name)
	}
	return nil
}

// CanRejoin implements vm.Rejoiner: only the last machine gets its name again.
func (d *Driver) CanRejoin(ctx context.Context, c *vm.Cluster, names ...string) error {
	have, err := nodes(ctx, c)
	if err != nil {
		return err
	}
	for _, name := range names {
		have = slices.DeleteFunc(have, func(n string) bool { return n == name })
	}
	for _, name := range names {
		if err := next(c, have, name); err != nil {
			return err
		}
		have = append(have, name)
	}
	return nil
}

// Leave implements vm.Grower.
func (d *Driver) Leave(ctx context.Context, c *vm.Cluster, name string) error {
	have, err := nodes(ctx, c)
	if err != nil || !slices.Contains(have, name) {
		return err
	}
	// A machine that "node add" could not make is one of the profile all the same:
	// minikube removes none such, and "node start" makes it.
	found, err := statuses(ctx, c, []string{name})
	if err != nil || found[name].Host == hostNone {
		return err
	}
	return remove(ctx, c, name)
}

func remove(ctx context.Context, c *vm.Cluster, name string) error {
	if err := register(ctx, c, name); err != nil {
		return err
	}
	_, err := of(c).run(ctx, nil, "node", "delete", name)
	return err
}

// register gives a machine its node back where Kubernetes has none: minikube
// takes the node out itself, and where that is gone already it tries for two
// minutes, gives up, and leaves the machine.
func register(ctx context.Context, c *vm.Cluster, name string) error {
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	nodes := client.Typed.CoreV1().Nodes()
	_, err = nodes.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{Unschedulable: true}}
		_, err = nodes.Create(ctx, node, metav1.CreateOptions{FieldManager: kube.FieldManager})
	}
	if err != nil {
		return fmt.Errorf("%w; minikube removes no machine where the API server does not answer: see 'axolotl status %s'", err, c.Name)
	}
	return nil
}

// answerWithin is how long the API server may take.
const answerWithin = 20 * time.Second
