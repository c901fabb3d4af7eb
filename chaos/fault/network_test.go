package fault

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"axolotl/vm"
)

// TestNetworkProofs runs the scripts that prove by pings against a busybox that
// answers some of them, the later ones later.
func TestNetworkProofs(t *testing.T) {
	const words = `tc() { echo "qdisc netem"; }
busybox() { [ "$i" -gt "$answered" ] || echo "64 bytes from 10.88.0.12: seq=0 ttl=64 time=$((i * 50)).641 ms"; }
`
	for name, test := range map[string]struct {
		fault    string
		answered int
		want     string // empty: it is not proved
	}{
		"none is lost":         {"network-corruption", 20, ""},
		"one is lost":          {"network-corruption", 19, "of 20 pings to 10.88.0.12 1 were lost"},
		"all are lost":         {"network-corruption", 0, "of 20 pings to 10.88.0.12 20 were lost"},
		"one is late enough":   {"slow-network", 3, "the slowest of 5 pings to 10.88.0.12 took 150 ms"},
		"none is late enough":  {"slow-network", 2, ""},
		"not one answer comes": {"slow-network", 0, "the slowest of 5 pings to 10.88.0.12 took for ever ms"},
	} {
		f, err := New(test.fault)
		must(t, err)
		if !f.Effect().Slow {
			t.Errorf("%s must be seen at once", test.fault)
		}
		g := f.(*guest)
		script := g.prelude(Object{Prior: map[string]string{priorPeer: "10.88.0.12"}}) + words + fmt.Sprintf("answered=%d\n", test.answered) + g.commands.Injected
		out, err := exec.Command("sh", "-c", script).CombinedOutput()
		if (err == nil) != (test.want != "") || !strings.Contains(string(out), test.want) {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
}

// waiting is a driver whose machines all wait for one another.
type waiting struct {
	*inside
	arrived, all chan struct{}
}

func (d waiting) Exec(ctx context.Context, _ *vm.Cluster, machine string, _ ...string) (string, error) {
	d.arrived <- struct{}{}
	select {
	case <-d.all:
		return machine, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// TestLooksAtAllMachinesAtOnce: a look takes as long on many as on one, and what is
// seen is told in their order.
func TestLooksAtAllMachinesAtOnce(t *testing.T) {
	f := newSlowNetwork()
	d := waiting{&inside{}, make(chan struct{}, 3), make(chan struct{})}
	h := machineWith(d.inside)
	h.Driver = d
	h.Cluster.Machines = append(h.Cluster.Machines, vm.Machine{Name: "n3"})
	var objects []Object
	for _, m := range h.Cluster.Machines {
		objects = append(objects, Object{Target: Target{Kind: OnNodes, Name: m.Name}})
	}
	go func() {
		for range objects {
			<-d.arrived
		}
		close(d.all)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if words, err := f.Injected(ctx, h, objects); err != nil || words != "machine n1: n1; machine n2: n2; machine n3: n3" {
		t.Errorf("%q, %v", words, err)
	}
}
