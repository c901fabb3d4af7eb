package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"go.uber.org/zap"
	"k8s.io/client-go/rest"

	"axolotl/internal/balance"
	"axolotl/internal/daemon"
	"axolotl/internal/kube"
	"axolotl/internal/ports"
	"axolotl/internal/store"
	"axolotl/vm"
)

// balancing is what a balancer says when it listens.
const balancing = "balancing\n"

// apiPace: an API server on an emulated machine takes up to a second to say that
// it is well, and is not asked so often that an idle cluster had work from it. A
// client would wait for one that has gone silent for 45 s, as client-go does:
// three times as long as the patience, which outlasts an election of etcd.
var apiPace = balance.Pace{
	Ready: 2 * time.Second, Unready: time.Second,
	Answer: 2 * time.Second, Hold: time.Second, Patience: 15 * time.Second,
}

// Balance passes connections to the API port of the cluster of a directory on to
// those of its control planes that are well, until ctx ends or the cluster is
// gone. It says on answer whether it has begun, once, and closes it.
func Balance(ctx context.Context, dir string, answer io.WriteCloser, log *zap.Logger) error {
	var c vm.Cluster
	listener, balancer, err := openBalancer(dir, &c, log)
	daemon.Answer(answer, balancing, err)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		awaitGone(ctx, dir, c.ID)
		cancel()
	}()
	return balancer.Serve(ctx, listener)
}

func openBalancer(dir string, c *vm.Cluster, log *zap.Logger) (net.Listener, *balance.Balancer, error) {
	if err := store.ReadJSON(filepath.Join(dir, vm.RecordFile), c); err != nil {
		return nil, nil, err
	}
	c.Dir = dir
	admin, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return nil, nil, err
	}
	var backends []balance.Backend
	for _, m := range c.Machines {
		if m.Role != vm.ControlPlane {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(m.APIPort))
		check, err := apiCheck(admin.Config, address)
		if err != nil {
			return nil, nil, err
		}
		backends = append(backends, balance.Backend{Name: m.Name, Address: address, Check: check})
	}
	if len(backends) == 0 {
		return nil, nil, fmt.Errorf("cluster %q has no control plane", c.Name)
	}
	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.APIPort)))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s has the port of cluster %q; end that, and 'axolotl up %s' has it back as it was (taken down and up again it has another port, and is empty)",
			err, ports.Owner(c.APIPort), c.Name, c.Name)
	}
	return listener, balance.New(backends, apiPace, log), nil
}

// apiCheck asks one API server whether it is ready, as the administrator, for it
// answers nobody else. A forward takes each connection and may lead nowhere: only
// an answer by who has the cluster's certificate counts.
func apiCheck(admin *rest.Config, address string) (func(context.Context) (bool, bool), error) {
	secured, err := rest.TLSConfigFor(admin)
	if err != nil {
		return nil, err
	}
	// HTTP/1.1, by one connection that is kept until an answer fails to come.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: secured, MaxConnsPerHost: 1}}
	return func(ctx context.Context) (ready, answered bool) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/readyz", nil)
		if err != nil {
			return false, false
		}
		response, err := client.Do(request)
		if err != nil {
			return false, false
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return err == nil && response.StatusCode == http.StatusOK, true
	}, nil
}

// goneInterval is how often a balancer looks whether its cluster is there.
const goneInterval = 2 * time.Second

// awaitGone returns when the record of a cluster is gone, or is another one's, as
// where its directory was removed by hand; or when ctx ends.
func awaitGone(ctx context.Context, dir, id string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(goneInterval):
		}
		var c vm.Cluster
		err := store.ReadJSON(filepath.Join(dir, vm.RecordFile), &c)
		if errors.Is(err, fs.ErrNotExist) || err == nil && c.ID != id {
			return
		}
	}
}
