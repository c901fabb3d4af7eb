package libvirt

import (
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"axolotl/vm"
)

// Settings of a group are in the seeds of its machines and of no others, over
// what the node image has.
func TestSettingsInSeeds(t *testing.T) {
	w := newWorld(t)
	s := spec(1)
	s.Groups = s.AllGroups()
	s.Groups[1].Kubelet = &vm.Kubelet{MaxPods: 7, EvictionHard: map[string]string{"memory.available": "50Mi"}}
	s.APIServer = &vm.APIServer{FeatureGates: map[string]bool{"X": true}}
	w.must(w.up(w.options("c", s)))
	c := w.load("c")
	files := untar(t, filepath.Join(c.Dir, "machines", "worker-1", seedFile))
	var kubelet map[string]any
	w.must(yaml.Unmarshal([]byte(files["etc/kubernetes/kubelet.yaml"]), &kubelet))
	if kubelet["maxPods"] != 7.0 || kubelet["clusterDomain"] != "cluster.local" || kubelet["evictionHard"] == nil {
		t.Errorf("%v", kubelet)
	}
	const dropIn = "etc/systemd/system/kube-apiserver.service.d/axolotl.conf"
	if files[dropIn] != "" {
		t.Error("a worker has settings of the API server")
	}
	files = untar(t, filepath.Join(c.Dir, "machines", "cp-1", seedFile))
	if files["etc/kubernetes/kubelet.yaml"] != "" {
		t.Error("the control plane has the kubelet's settings of the workers")
	}
	unit := files[dropIn]
	if !strings.HasPrefix(unit, "[Service]\nExecStart=\nExecStart=/usr/local/bin/kube-apiserver \\\n") ||
		!strings.HasSuffix(unit, "--service-node-port-range=${NODE_PORT_RANGE} \\\n  --feature-gates=X=true\n") {
		t.Errorf("%s", unit)
	}
}

// Each machine has the size of its group.
func TestMachinesOfGroups(t *testing.T) {
	w := newWorld(t)
	s := spec(1)
	s.Groups = s.AllGroups()
	s.Groups[1].CPUs, s.Groups[1].MemoryMiB = 3, 8
	w.must(w.up(w.options("c", s)))
	for i, want := range []string{`<vcpu>1</vcpu>`, `<vcpu>3</vcpu>`} {
		if record := w.fake.domains[w.load("c").Machines[i].UUID].record; !strings.Contains(record, want) {
			t.Errorf("machine %d lacks %s: %s", i, want, record)
		}
	}
}
