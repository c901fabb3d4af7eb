package labs

import (
	"fmt"
	"strconv"
	"strings"

	"axolotl/internal/check"
	"axolotl/internal/kube"
)

// condition makes of a check what can be waited for, with the variables as
// they are now. The condition has the check's "not"; its "for" is added by
// whoever waits, because it has a memory.
func (s *session) condition(c Check) (check.Condition, error) {
	condition, err := s.plainCondition(c)
	if err == nil && c.Not {
		condition = check.Not(condition)
	}
	return condition, err
}

func (s *session) plainCondition(original Check) (check.Condition, error) {
	c, err := expandAll(original, s.variables)
	if err != nil {
		return nil, err
	}
	client, variables := s.handle.Kube, s.celVariables()
	switch {
	case c.HTTP != nil:
		path := c.HTTP.Path
		if path == "" {
			path = "/"
		}
		address, err := s.nodePortAddress(c.HTTP.NodePort)
		return check.HTTP{
			Client: client, Namespace: s.namespace, Address: address,
			Service: c.HTTP.Service, Pod: c.HTTP.Pod, Pods: c.HTTP.Pods, Port: c.HTTP.Port, Path: path,
			Contains: c.Contains, Expression: c.expression, Variables: variables,
		}, err
	case c.Exec != nil:
		return check.Exec{
			Client: client, Namespace: s.namespace,
			Pod: c.Exec.Pod, Pods: c.Exec.Pods, Container: c.Exec.Container, Command: c.Exec.Command,
			Contains: c.Contains, Expression: c.expression, Variables: variables,
		}, nil
	case c.Event != nil:
		return check.Event{
			Client: client, Namespace: s.namespace,
			Kind: c.Event.Kind, Name: c.Event.Name, Reason: c.Event.Reason, Contains: c.Contains,
		}, nil
	case c.Access != nil:
		actor, namespace, err := s.actor(c.Access.Context)
		if c.Access.Namespace != "" {
			namespace = c.Access.Namespace
		}
		return check.Access{
			Client: actor, Self: c.Access.Context != "", User: s.user(c.Access.ServiceAccount),
			Verb: c.Access.Verb, Resource: c.Access.Resource, Name: c.Access.Name, Namespace: namespace,
		}, err
	case c.Refused != nil:
		actor, namespace, err := s.actor(c.Refused.Context)
		if err != nil {
			return nil, err
		}
		objects, err := kube.Decode([]byte(c.Refused.Apply))
		return check.Refused{
			Client: actor, Namespace: namespace, User: s.user(c.Refused.ServiceAccount),
			Apply: objects, Evict: c.Refused.Evict, Contains: c.Contains,
		}, err
	case c.Diff != nil:
		objects, err := kube.Decode([]byte(c.Diff.Apply))
		return check.Diff{Client: client, Namespace: s.namespace, Apply: objects, Expression: c.expression, Variables: variables}, err
	case c.Kubeconfig != nil:
		return check.Facts{
			Name: "kubeconfig " + s.kubeconfig(), Variable: "config", Read: s.kubeconfigFacts, Expression: c.expression, Variables: variables,
		}, nil
	case c.APIServer != nil:
		return check.APIServer{Client: client}, nil
	case c.List != nil:
		selector, err := s.selector(*c.List)
		return check.List{Client: client, Selector: selector, Expression: c.expression, Variables: variables}, err
	default:
		selector, err := s.selector(*c.Object)
		return check.Object{Client: client, Selector: selector, Expression: c.expression, Variables: variables}, err
	}
}

// nodePortAddress is where this host reaches a node port; "" for none.
func (s *session) nodePortAddress(nodePort string) (string, error) {
	if nodePort == "" {
		return "", nil
	}
	port, err := strconv.Atoi(nodePort)
	if err != nil {
		return "", check.Permanent(fmt.Errorf("nodePort %q is no number; remember one with object.spec.ports[0].nodePort", nodePort))
	}
	if len(s.handle.Cluster.Machines) == 0 {
		return "", check.Permanent(fmt.Errorf("driver %q has no machines, and so forwards no NodePorts", s.handle.Driver.Name()))
	}
	return s.handle.Cluster.Machines[0].NodePortAddress(port)
}

// user is a service account's name as a user, "" for the cluster's
// administrator.
func (s *session) user(serviceAccount string) string {
	if serviceAccount == "" {
		return ""
	}
	if !strings.Contains(serviceAccount, ":") {
		serviceAccount = s.namespace + ":" + serviceAccount
	}
	return "system:serviceaccount:" + serviceAccount
}
