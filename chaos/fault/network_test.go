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
	const words = `tc() { case "$*" in -s*) echo " Sent 5 bytes 5 pkt (dropped $drops, overlimits 0 requeues 0)";; *) echo "qdisc netem loss $loses%";; esac; }
busybox() { [ "$i" -gt "$answered" ] || echo "64 bytes from 10.88.0.12: seq=0 ttl=64 time=$((first + i * 10)).641 ms"; }
`
	for name, test := range map[string]struct {
		fault                           string
		with                            string
		answered, first, loses, dropped int
		want                            string // empty: it is not proved
	}{
		"none is lost":                   {"network-corruption", "{}", 20, 0, 0, 0, ""},
		"one is lost":                    {"network-corruption", "{}", 19, 0, 0, 0, "of 20 pings to 10.88.0.12 1 were lost"},
		"all are lost":                   {"network-corruption", "{}", 0, 0, 0, 0, "of 20 pings to 10.88.0.12 20 were lost"},
		"all are late enough":            {"slow-network", "{}", 20, 140, 0, 0, "the quickest of 20 pings to 10.88.0.12 took 150 ms, 0 were lost"},
		"one is too quick":               {"slow-network", "{}", 20, 139, 0, 0, ""},
		"not one answer comes":           {"slow-network", "{}", 0, 0, 0, 0, ""},
		"nor would it in time":           {"slow-network", `{"delayNs":4000000000,"jitterNs":0}`, 0, 0, 0, 0, "took for ever ms"},
		"some are lost":                  {"slow-network", `{"delayNs":0,"jitterNs":0,"loss":20}`, 15, 0, 20, 5, "took 10 ms, 5 were lost; 5 packets dropped"},
		"of many no ping is lost":        {"slow-network", `{"delayNs":0,"jitterNs":0,"loss":20}`, 20, 0, 20, 5, ""},
		"of few none need be":            {"slow-network", `{"delayNs":0,"jitterNs":0,"loss":19}`, 20, 0, 19, 1, "0 were lost; 1 packets dropped"},
		"pings are lost, by others":      {"slow-network", `{"delayNs":0,"jitterNs":0,"loss":20}`, 15, 0, 20, 0, ""},
		"the queue loses another share":  {"slow-network", `{"delayNs":0,"jitterNs":0,"loss":20}`, 15, 0, 2, 5, ""},
		"lost, and not late":             {"slow-network", `{"loss":20}`, 15, 0, 20, 5, ""},
		"lost and late":                  {"slow-network", `{"loss":20}`, 15, 140, 20, 5, "took 150 ms, 5 were lost"},
		"lost, and late by nothing sure": {"slow-network", `{"delayNs":50000000,"jitterNs":50000000,"loss":20}`, 15, 0, 20, 5, "5 packets dropped"},
		"all is lost":                    {"slow-network", `{"loss":100}`, 0, 0, 100, 25, "took for ever ms, 20 were lost; 25 packets dropped"},
	} {
		f, err := Spec{Name: test.fault, With: []byte(test.with)}.Fault()
		must(t, err)
		must(t, Check(f))
		if !f.Effect().Slow {
			t.Errorf("%s must be seen at once", test.fault)
		}
		g := f.(*guest)
		set := fmt.Sprintf("answered=%d\nfirst=%d\nloses=%d\ndrops=%d\n", test.answered, test.first, test.loses, test.dropped)
		script := g.prelude(Object{Prior: map[string]string{priorPeer: "10.88.0.12"}}) + words + set + g.commands.Injected
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
