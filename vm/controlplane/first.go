package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/vm"
)

// Deadlines of First, which takes 4 s on a host of two cores.
const (
	firstDeadline = 90 * time.Second
	stopDeadline  = 10 * time.Second
	pollInterval  = 50 * time.Millisecond
)

// identityLabel is of the leases of API servers.
const identityLabel = "apiserver.kubernetes.io/identity=kube-apiserver"

// First has an etcd and an API server begin a cluster in s.Data, and ends them:
// namespaces, roles, priority levels, the Service "kubernetes". A machine that
// boots with that directory has not to write them, which takes an emulated one
// 14 s. kubeconfig is an administrator's, for a server that is verified as
// 127.0.0.1. What the processes say goes into files beside s.Data; the processes
// end with this one, however it ends.
func First(ctx context.Context, s *Server, kubeconfig string) error {
	return first(ctx, s, kubeconfig, nil)
}

// FirstOfAny is First for clusters of whatever authority and port: in s.Data nothing
// of that API server stays which has written it.
func FirstOfAny(ctx context.Context, s *Server, kubeconfig string) error {
	return first(ctx, s, kubeconfig, func(ctx context.Context) error { return remove(ctx, s, ofServer...) })
}

// ofServer are the keys of what an API server tells of itself: the authorities that
// it trusts, to which another one would add its own, and where it is, which another
// one would leave as it is.
var ofServer = []string{
	"/registry/configmaps/kube-system/extension-apiserver-authentication",
	"/registry/services/specs/default/kubernetes",
	"/registry/services/endpoints/default/kubernetes",
	"/registry/endpointslices/default/kubernetes",
	"/registry/ipaddresses/" + vm.APIServiceAddress,
}

// first is First. after, where not nil, is called when the API server has ended and
// etcd has not.
func first(ctx context.Context, s *Server, kubeconfig string, after func(context.Context) error) error {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, firstDeadline)
	defer cancel()
	err := with(ctx, s, kubeconfig, after, func(ctx context.Context, client *kube.Client) error {
		if err := begun(ctx, client); err != nil {
			return err
		}
		// By which it says that it lives, which ends now.
		return client.Typed.CoordinationV1().Leases(metav1.NamespaceSystem).DeleteCollection(ctx,
			metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: identityLabel})
	})
	if err != nil {
		return err
	}
	return trim(s.Data)
}

// with runs etcd and the API server until a condition on what they serve holds;
// after, where not nil, comes between their ends.
func with(ctx context.Context, s *Server, kubeconfig string, after func(context.Context) error, holds func(context.Context, *kube.Client) error) (err error) {
	client, err := open(s, kubeconfig)
	if err != nil {
		return err
	}
	etcd, err := start(s, s.Etcd())
	if err != nil {
		return err
	}
	// Only then is all of it in its files.
	defer func() { err = errors.Join(err, etcd.end(syscall.SIGTERM)) }()
	defer func() {
		if err == nil && after != nil {
			err = after(ctx)
		}
	}()
	api, err := start(s, s.APIServer())
	if err != nil {
		return err
	}
	// It keeps nothing back, and its good manners at the end take longer than
	// its work.
	defer func() { err = errors.Join(err, api.end(syscall.SIGKILL)) }()

	return check.Wait(ctx, check.Func("etcd and the API server serve", func(ctx context.Context) error {
		for _, p := range []*process{etcd, api} {
			select {
			case <-p.ended:
				return check.Permanent(fmt.Errorf("%s ended (%v): %s", p.name, p.err, p.lastWords())) //nolint:errorlint // nil where it exited with 0
			default:
			}
		}
		return holds(ctx, client)
	}), pollInterval, nil)
}

// open returns a client for the API server of s, wherever the kubeconfig's is.
func open(s *Server, kubeconfig string) (*kube.Client, error) {
	client, err := kube.Open(kubeconfig, "")
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(client.Config)
	config.Host, config.ServerName = url(s.APIHost, s.APIPort), "127.0.0.1"
	return kube.New(config)
}

// begun returns nil once the API server has written all that it writes of
// itself. Several of its hooks do that side by side, and it calls itself ready
// before the last has: the Service comes before its endpoints, and these before
// their slice.
func begun(ctx context.Context, client *kube.Client) error {
	if err := client.Ready(ctx); err != nil {
		return err
	}
	core := client.Typed.CoreV1()
	for _, namespace := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease} {
		if _, err := core.Namespaces().Get(ctx, namespace, metav1.GetOptions{}); err != nil {
			return err
		}
	}
	if _, err := core.Services(metav1.NamespaceDefault).Get(ctx, "kubernetes", metav1.GetOptions{}); err != nil {
		return err
	}
	if _, err := client.Typed.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault).Get(ctx, "kubernetes", metav1.GetOptions{}); err != nil {
		return err
	}
	_, err := core.ConfigMaps(metav1.NamespaceSystem).Get(ctx, "extension-apiserver-authentication", metav1.GetOptions{})
	return err
}

// process is a child of ours.
type process struct {
	name  string
	log   string // what it says
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended; err is valid then
	err   error
}

// start starts a program of the node binary, whose name is the second word.
func start(s *Server, argv []string) (*process, error) {
	p := &process{name: argv[1], log: filepath.Join(filepath.Dir(s.Data), argv[1]+".log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Env = append(os.Environ(), Env()...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// A session of its own, that Ctrl-C does not end it before we do.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// lastWords is the last line that it has said: its log may be thrown away with
// the cluster.
func (p *process) lastWords() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return lines[len(lines)-1]
}

// end ends it by a signal, and by SIGKILL where that does not do.
func (p *process) end(signal syscall.Signal) error {
	_ = p.cmd.Process.Signal(signal) // it may have ended
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopDeadline):
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	if signal == syscall.SIGKILL {
		return nil
	}
	return fmt.Errorf("%s did not end within %s", p.name, stopDeadline)
}
