package cluster

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// Status is a cluster now, as its driver and as Kubernetes see it.
type Status struct {
	Name    string       `json:"name"`
	Phase   vm.Phase     `json:"phase"`
	Driver  string       `json:"driver"`
	Server  string       `json:"server"`
	API     string       `json:"api"` // "ready", or what is wrong
	Healthy bool         `json:"healthy"`
	Nodes   []NodeStatus `json:"nodes"`
}

// NodeStatus is one node now.
type NodeStatus struct {
	Name    string          `json:"name"`
	Role    vm.Role         `json:"role"`
	Machine vm.MachineState `json:"machine"`
	Ready   string          `json:"ready"` // "True", "False", "Unknown"; "-" where nobody can tell
	Address string          `json:"address,omitempty"`
	Note    string          `json:"note,omitempty"` // why it is not as it should be
}

// statusTimeout bounds what an API server that does not answer may cost.
const statusTimeout = 5 * time.Second

// Status looks at a cluster. What cannot be reached is part of the answer and
// no error.
func (s Store) Status(ctx context.Context, name string, open Opener) (*Status, error) {
	c, err := s.Load(name)
	if err != nil {
		return nil, err
	}
	driver, err := open(c)
	if err != nil {
		return nil, err
	}
	status := &Status{
		Name: c.Name, Phase: c.Phase, Driver: c.Driver,
		Server: serverOf(c), API: "ready", Healthy: c.Phase == vm.PhaseUp,
	}
	if driver.Traits().Foreign {
		status.ofForeign(ctx, c)
		return status, nil
	}
	machines, err := driver.Machines(ctx, c)
	if err != nil {
		return nil, err
	}
	nodes, err := askNodes(ctx, c)
	if err != nil {
		status.API, status.Healthy = err.Error(), false
	}
	for i, m := range c.Machines {
		n := NodeStatus{Name: m.Name, Role: m.Role, Machine: machines[i].State, Address: m.Address, Note: machines[i].Reason, Ready: "-"}
		if node := nodes[m.Name]; node != nil {
			n.Ready = readyOf(node)
			if n.Note == "" {
				n.Note = notReady(node)
			}
		} else if nodes != nil && n.Note == "" {
			n.Note = "not registered"
		}
		if n.Machine != vm.MachineRunning || n.Ready != string(corev1.ConditionTrue) {
			status.Healthy = false
		}
		status.Nodes = append(status.Nodes, n)
	}
	return status, nil
}

func serverOf(c *vm.Cluster) string { return fmt.Sprintf("https://127.0.0.1:%d", c.APIPort) }

// readyOf is whether a node is Ready, in Kubernetes' word.
func readyOf(node *corev1.Node) string {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return string(condition.Status)
		}
	}
	return string(corev1.ConditionUnknown)
}

// askNodes returns the nodes by name, or why they cannot be had.
func askNodes(ctx context.Context, c *vm.Cluster) (map[string]*corev1.Node, error) {
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	return readNodes(ctx, client)
}

// readNodes returns the nodes of a cluster by name.
func readNodes(ctx context.Context, client *kube.Client) (map[string]*corev1.Node, error) {
	list, err := client.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	nodes := make(map[string]*corev1.Node, len(list.Items))
	for i := range list.Items {
		nodes[list.Items[i].Name] = &list.Items[i]
	}
	return nodes, nil
}
