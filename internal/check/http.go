package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"axolotl/internal/kube"
)

// HTTP holds where an app answers GET as expected, asked through the API
// server's proxy. Without Expression and Contains, a status of 200 is expected.
// With Pods set, each pod with these labels that is not being deleted must
// answer so, and there must be one.
//
// The expression knows "status" (a number), "body" (a string) and "json" (the
// body decoded, null where it is not JSON).
type HTTP struct {
	Client     *kube.Client
	Namespace  string
	Address    string // a host and port that this process asks itself; else
	Service    string // one of Service, Pod and Pods
	Pod        string
	Pods       map[string]string
	Port       int
	Path       string
	Contains   string // in the body, with status 200
	Expression *Expression
	Variables  map[string]any
}

// String implements Condition.
func (h HTTP) String() string {
	target := "Service " + h.Service
	switch {
	case h.Address != "":
		target = h.Address
	case h.Pod != "":
		target = "Pod " + h.Pod
	case len(h.Pods) > 0:
		target = "each of " + h.pods().String()
	}
	return fmt.Sprintf("GET %s from %s: %s", h.Path, target, h.expected())
}

func (h HTTP) expected() string {
	switch {
	case h.Expression != nil:
		return h.Expression.String()
	case h.Contains != "":
		return fmt.Sprintf("the answer contains %q", h.Contains)
	}
	return "status 200"
}

func (h HTTP) pods() Selector {
	return Selector{GroupVersionKind: kube.PodKind, Namespace: h.Namespace, Labels: h.Pods}
}

// Check implements Condition.
func (h HTTP) Check(ctx context.Context) error {
	if h.Address != "" {
		return h.askAddress(ctx)
	}
	if len(h.Pods) == 0 {
		if h.Pod != "" {
			return h.ask(ctx, "pods", h.Pod)
		}
		return h.ask(ctx, "services", h.Service)
	}
	pods, err := h.pods().List(ctx, h.Client)
	if err != nil {
		return err
	}
	asked := 0
	for _, pod := range pods {
		if pod.GetDeletionTimestamp() != nil {
			continue
		}
		asked++
		if err := h.ask(ctx, "pods", pod.GetName()); err != nil {
			return err
		}
	}
	if asked == 0 {
		return &Unmet{Expected: h.String(), Seen: []string{"there are no " + h.pods().String()}}
	}
	return nil
}

func (h HTTP) ask(ctx context.Context, resource, name string) error {
	answer, err := h.Client.ProxyGet(ctx, h.Namespace, resource, name, h.Port, h.Path)
	var unreachable *kube.UnreachableError
	if errors.As(err, &unreachable) {
		return &Unmet{Expected: h.String(), Seen: []string{name + " does not answer: " + shorten(unreachable.Message)}}
	}
	if err != nil {
		return err
	}
	return h.judge(ctx, name, answer)
}

// askAddress asks past the API server. Who does not answer there has been
// looked at: nobody else could tell more.
func (h HTTP) askAddress(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, 5*time.Second) // less than a try may take
	defer cancel()
	answer, err := kube.Get(limited, "http://"+h.Address+h.Path)
	if err != nil && ctx.Err() == nil {
		return &Unmet{Expected: h.String(), Seen: []string{h.Address + " does not answer: " + shorten(err.Error())}}
	}
	if err != nil {
		return err
	}
	return h.judge(ctx, h.Address, answer)
}

func (h HTTP) judge(ctx context.Context, name string, answer *kube.Answer) error {
	facts := []string{fmt.Sprintf("%s answers %d %s", name, answer.Status, brief(answer.Body))}
	if h.Expression == nil {
		if answer.Status == http.StatusOK && strings.Contains(answer.Body, h.Contains) {
			return nil
		}
		return &Unmet{Expected: h.String(), Seen: facts}
	}
	var decoded any
	if json.Unmarshal([]byte(answer.Body), &decoded) != nil {
		decoded = nil
	}
	err := h.Expression.Holds(ctx, with(h.Variables, "status", answer.Status, "body", answer.Body, "json", decoded))
	var unmet *Unmet
	if errors.As(err, &unmet) {
		unmet.Seen = facts
	}
	return err
}
