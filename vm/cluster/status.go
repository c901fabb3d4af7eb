package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
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
	Outside vm.Outside   `json:"outside,omitzero"` // what the machines reach beside each other
}

// NodeStatus is one node now.
type NodeStatus struct {
	Name    string          `json:"name"`
	Role    vm.Role         `json:"role"`
	Machine vm.MachineState `json:"machine"`
	Ready   string          `json:"ready"` // "True", "False", "Unknown"; "-" where nobody can tell
	Address string          `json:"address,omitempty"`
	Host    string          `json:"host,omitempty"` // of the machine, where they are on several
	Note    string          `json:"note,omitempty"` // why it is not as it should be
}

// statusTimeout bounds what an API server that does not answer may cost.
const statusTimeout = 5 * time.Second

// silent is what a node's row says where nobody can tell what became of it.
const silent = "the API server does not answer"

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
	machines, err := driver.Machines(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := s.mend(ctx, c, driver); err != nil {
		return statusOf(c, driver, machines, nil, err), nil
	}
	nodes, err := askNodes(ctx, c, statusTimeout)
	return statusOf(c, driver, machines, nodes, err), nil
}

// statusOf is what machines and nodes make of a cluster; fault is why there are
// no nodes.
func statusOf(c *vm.Cluster, driver vm.Driver, machines []vm.MachineStatus, nodes map[string]*corev1.Node, fault error) *Status {
	status := &Status{
		Name: c.Name, Phase: c.Phase, Driver: c.Driver,
		Server: serverOf(c), API: "ready", Healthy: c.Phase == vm.PhaseUp && fault == nil,
		Outside: c.Spec.Outside,
	}
	if fault != nil {
		status.API = fault.Error()
	}
	if driver.Traits().Foreign {
		status.ofForeign(c, nodes)
		return status
	}
	for i, m := range c.Machines {
		n := NodeStatus{Name: m.Name, Role: m.Role, Machine: machines[i].State, Address: m.Address, Note: machines[i].Reason, Ready: "-"}
		if c.Spec.Spread() {
			n.Host = hostName(cmp.Or(m.Host, c.URI))
		}
		node, note := nodes[m.Name], "not registered"
		switch {
		case fault != nil:
			note = silent
		case node != nil:
			n.Ready, note = readyOf(node), notReady(node)
			n.Address = cmp.Or(n.Address, addressOf(node))
		}
		if n.Note == "" {
			n.Note = note
		}
		if n.Machine != vm.MachineRunning || n.Ready != string(corev1.ConditionTrue) {
			status.Healthy = false
		}
		status.Nodes = append(status.Nodes, n)
	}
	return status
}

// hostName is the host of a libvirt's URI.
func hostName(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return "localhost"
	}
	return u.Hostname()
}

// serverOf is where the API server answers: on our port of this host, or where
// the cluster's kubeconfig says.
func serverOf(c *vm.Cluster) string {
	if c.APIPort != 0 {
		return fmt.Sprintf("https://127.0.0.1:%d", c.APIPort)
	}
	if client, err := kube.Open(c.Kubeconfig(), ""); err == nil {
		return client.Config.Host
	}
	return ""
}

// readyOf is whether a node is Ready, in Kubernetes' word.
func readyOf(node *corev1.Node) string {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return string(condition.Status)
		}
	}
	return string(corev1.ConditionUnknown)
}

// askNodes returns the nodes by name, or why they cannot be had within a time.
func askNodes(ctx context.Context, c *vm.Cluster, within time.Duration) (map[string]*corev1.Node, error) {
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	nodes, err := readNodes(ctx, client)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", within)
	}
	return nodes, err
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
