package libvirt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"axolotl/vm"
)

// etcdCall asks the etcd of the machine that it runs on. That speaks JSON beside
// gRPC, and every control plane has what to ask it with: kubectl, and the
// credentials of its API server.
const etcdCall = `printf %s "$2" | kubectl --server=https://127.0.0.1:2379 --certificate-authority=/etc/kubernetes/pki/etcd/ca.crt \
--client-certificate=/etc/kubernetes/pki/apiserver-etcd-client.crt --client-key=/etc/kubernetes/pki/apiserver-etcd-client.key \
create --raw "/v3/cluster/member/$1" -f -`

// etcdMember is a member as etcd knows it. The name of one that has not begun yet
// is empty.
type etcdMember struct {
	ID       string   `json:"ID"`
	Name     string   `json:"name"`
	PeerURLs []string `json:"peerURLs"`
}

// leaveEtcd takes a control plane that is one of several out of etcd, by another
// one: while it is in, etcd counts it among those that should be there. One that
// is out is success, and so is a machine that was never in.
func (d *Driver) leaveEtcd(ctx context.Context, c *vm.Cluster, m *vm.Machine) error {
	return d.changeMembers(ctx, c, m, func(ctx context.Context, through string, own *etcdMember) error {
		if own == nil {
			return nil
		}
		return d.askEtcd(ctx, c, through, "remove", map[string]string{"ID": own.ID}, nil)
	})
}

// joinEtcd lets one in that was made anew. One that is in is success.
func (d *Driver) joinEtcd(ctx context.Context, c *vm.Cluster, m *vm.Machine) error {
	return d.changeMembers(ctx, c, m, func(ctx context.Context, through string, own *etcdMember) error {
		if own != nil {
			return nil
		}
		return d.askEtcd(ctx, c, through, "add", map[string][]string{"peerURLs": {peerURL(m)}}, nil)
	})
}

// changeMembers calls change with a control plane that answers and with what etcd
// knows of m, or nil, until it succeeds: etcd refuses for some seconds after
// members have come or gone, and machines may be booting.
func (d *Driver) changeMembers(ctx context.Context, c *vm.Cluster, m *vm.Machine, change func(ctx context.Context, through string, own *etcdMember) error) error {
	if m.Role != vm.ControlPlane || !several(c) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.Spec.Deadline())
	defer cancel()
	for {
		var last error
		for _, other := range c.Machines {
			if other.Role != vm.ControlPlane || other.Name == m.Name {
				continue
			}
			last = d.changeThrough(ctx, c, m, &other, change)
			var refused *vm.ExitError
			if last == nil || !errors.As(last, &refused) && !errors.Is(last, errAgentSilent) && !errors.Is(last, errOff) {
				return last
			}
			zap.L().Debug("members of etcd", zap.String("of", m.Name), zap.String("through", other.Name), zap.Error(last))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("members of etcd: %w; last seen: %w", context.Cause(ctx), last)
		case <-time.After(time.Second):
		}
	}
}

// errOff is the error of a machine that cannot be asked now.
var errOff = errors.New("it does not run")

func (d *Driver) changeThrough(ctx context.Context, c *vm.Cluster, m, other *vm.Machine, change func(ctx context.Context, through string, own *etcdMember) error) error {
	dom, err := d.at(other).domain(ctx, other.UUID)
	if errors.Is(err, errNoDomain) || err == nil && dom.State != vm.MachineRunning {
		return fmt.Errorf("%s: %w", other.Name, errOff)
	}
	if err != nil {
		return err
	}
	through := other.Name
	var all struct{ Members []etcdMember }
	if err := d.askEtcd(ctx, c, through, "list", struct{}{}, &all); err != nil {
		return err
	}
	i := slices.IndexFunc(all.Members, func(member etcdMember) bool { return slices.Contains(member.PeerURLs, peerURL(m)) })
	if i < 0 {
		return change(ctx, through, nil)
	}
	return change(ctx, through, &all.Members[i])
}

// askEtcd calls what etcd's API has for members, in a machine.
func (d *Driver) askEtcd(ctx context.Context, c *vm.Cluster, through, call string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	out, err := d.Exec(ctx, c, through, "/bin/sh", "-c", etcdCall, "sh", call, string(body))
	if err != nil || answer == nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), answer); err != nil {
		return fmt.Errorf("etcd of %s answers %q: %w", through, out, err)
	}
	return nil
}
