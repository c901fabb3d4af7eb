package labs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"axolotl/chaos/fault"
	"axolotl/vm"
)

// breaking is a lab of one break, on machines.
func breaking(t *testing.T, what string) (*Break, error) {
	t.Helper()
	lab, err := Parse("test.yaml", fmt.Appendf(nil, `
name: breaking
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
needs: {real-pods: true, machine-control: true}
steps:
  - name: only
    say: {en: s, es: s}
    remember: [{name: peer, list: {kind: Node}, cel: "objects[0].metadata.name"}]
    do: [{break: %s}]
    check: [{object: {kind: ConfigMap, name: never}}]
`, what))
	if err != nil {
		return nil, err
	}
	return lab.Steps[0].Do[0].Break, nil
}

// Every fault takes its settings in a lab, and nothing that is none.
func TestSettingsOfFaults(t *testing.T) {
	for _, what := range []string{
		"{fault: clock-jump, node: a, with: {by: 5m}}",
		"{fault: slow-network, node: a, with: {delay: 100ms}}",
		"{fault: disk-throttled, node: a, with: {iops: 5}}",
		"{fault: kubelet-stop, node: a, with: {kill: true}}",
		"{fault: cpu-pressure, node: a, with: {perCPU: 2}}",
		"{fault: network-partition, node: a, with: {from: cp-1}}",
		"{fault: pod-memory-pressure, pod: a, with: {mib: 9}}",
		"{fault: dns-outage}",
	} {
		if _, err := breaking(t, what); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, want := range map[string]string{
		"{fault: slow-network, node: a, with: {dealy: 100ms}}":          `unknown field "dealy" (did you mean "delay"?)`,
		`{fault: network-partition, node: a, with: {from: "{{ no }}"}}`: `unknown variable "no"`,
		"{fault: cpu-pressure, node: a, with: {perCPU: 0}}":             "test.yaml:12:64: perCPU: want 1 or more, found 0",
		`{fault: node-taint, node: a, with: {key: ""}}`:                 "key: want a text",
		"{fault: dns-outage, name: coredns}":                            "say nothing else",
	} {
		if _, err := breaking(t, what); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", what, err, want)
		}
	}
}

// Settings have their variables filled in, and numbers stay what they are.
func TestSettingsAreFilledIn(t *testing.T) {
	for what, want := range map[string]string{
		`{fault: network-partition, node: a, with: {from: "{{ peer }}"}}`: `{"from":"worker-2"}`,
		"{fault: slow-network, node: a, with: {delay: 300h, loss: 3}}":    `{"delayNs":1080000000000000,"jitterNs":50000000,"loss":3}`,
		"{fault: node-power-cut, node: a}":                                `{}`,
	} {
		b, err := breaking(t, what)
		if err != nil {
			t.Fatal(err)
		}
		f, err := b.filledIn(map[string]any{"peer": "worker-2"})
		if err != nil {
			t.Fatal(err)
		}
		if spec, err := fault.SpecOf(f); err != nil || string(spec.With) != want {
			t.Errorf("%s: got %s, %v", what, spec.With, err)
		}
	}
	b, err := breaking(t, `{fault: network-partition, node: a, with: {from: "{{ peer }}"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.filledIn(nil); err == nil {
		t.Error("a variable that has no value was filled in")
	}
	b, err = breaking(t, `{fault: node-taint, node: a, with: {key: "{{ peer }}"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.filledIn(map[string]any{"peer": ""}); err == nil || !strings.Contains(err.Error(), "setting of fault node-taint: key: want a text") {
		t.Errorf("a variable that holds nothing: %v", err)
	}
}

// What one control plane does another does where it is down, so all are struck;
// but never most of etcd.
func TestWholeControlPlane(t *testing.T) {
	one := &vm.Cluster{Machines: []vm.Machine{{Name: "cp-1", Role: vm.ControlPlane}, {Name: "worker-1", Role: vm.Worker}}}
	three := &vm.Cluster{Machines: append([]vm.Machine{{Name: "cp-2", Role: vm.ControlPlane}, {Name: "cp-3", Role: vm.ControlPlane}}, one.Machines...)}
	for _, test := range []struct {
		c    *vm.Cluster
		name string
		want []string
	}{
		{one, "controller-manager-down", []string{"cp-1"}},
		{three, "controller-manager-down", []string{"cp-2", "cp-3", "cp-1"}},
		{three, "api-server-down", []string{"cp-2", "cp-3", "cp-1"}},
		{three, "etcd-paused", []string{"cp-2"}},
		{three, "control-plane-ruined", []string{"cp-2"}},
		{one, "etcd-paused", []string{"cp-1"}},
	} {
		f, err := fault.New(test.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := controlPlanes(test.c, f); !slices.Equal(got, test.want) {
			t.Errorf("%s on %d machines: %v, want %v", test.name, len(test.c.Machines), got, test.want)
		}
	}
}
