package cluster

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"axolotl/internal/check"
	"axolotl/vm"
)

// kubeletPatience is how long one look waits for the kubelets. They answer in tenths
// of a second, and who is silent is to be named meanwhile.
const kubeletPatience = 10 * time.Second

// kubeletsAnswer holds when every node is Ready, and its kubelet answers now, asked
// through the API server, that it is well. What the API server
// knows of a node is from before a restore, for up to ten seconds, until its lease is
// renewed; this is as good a sign of life where all machines were restored of one
// instant, with the connections between them.
func kubeletsAnswer(h *vm.Handle) check.Condition {
	name := fmt.Sprintf("%d node(s) Ready, and their kubelets answer", len(h.Cluster.Machines))
	return check.Func(name, func(ctx context.Context) error {
		limited, cancel := context.WithTimeout(ctx, kubeletPatience)
		defer cancel()
		var asking errgroup.Group
		for _, m := range h.Cluster.Machines {
			asking.Go(func() error {
				err := h.Kube.Typed.CoreV1().RESTClient().Get().Resource("nodes").Name(m.Name).SubResource("proxy").Suffix("healthz").Do(limited).Error()
				if err != nil {
					return fmt.Errorf("the kubelet of %s: %w", m.Name, err)
				}
				return nil
			})
		}
		if err := asking.Wait(); err != nil {
			return err
		}
		return nodesReady(h).Check(ctx)
	})
}
