package chaos

import (
	"errors"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/fault"
	"axolotl/internal/strictyaml"
)

func TestCatalogIsValid(t *testing.T) {
	names := CatalogNames()
	if len(names) == 0 {
		t.Fatal("the catalog is empty")
	}
	for _, name := range names {
		e, err := Open(name)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if d, err := e.Describe(); err != nil || e.Name != name || d.Title == "" || d.About == "" {
			t.Errorf("%s describes itself as %+v, %v", name, d, err)
		}
	}
}

func TestParse(t *testing.T) {
	e, err := Parse("e.yaml", []byte(`
name: shop
title: the shop loses a pod
target: {namespace: shop, selector: {app: web}, percent: 30}
steadyState:
  - {name: all replicas, kind: Deployment, object: web, cel: object.status.readyReplicas == 3}
probe: {path: /ping, interval: 20ms}
fault: {name: pod-deletion, with: {gracePeriod: 5s, force: true}}
healWithin: 30s
seed: 7
`))
	if err != nil {
		t.Fatal(err)
	}
	f, ok := e.Fault.(*fault.PodDeletion)
	if !ok || *f.GracePeriod != 5*time.Second || !f.Force {
		t.Errorf("fault %#v", e.Fault)
	}
	if e.Target.Percent != 30 || e.Target.Count != 0 || e.Seed != 7 || e.Probe.Timeout != time.Second || e.Guards.MaxShare != DefaultMaxShare {
		t.Errorf("experiment %+v", e)
	}
}

// TestFaultsOfAFile holds each fault to its place: file:line:column, and what
// is wrong there.
func TestFaultsOfAFile(t *testing.T) {
	good := "name: a\ntitle: b\ntarget: {app: pingapp}\nfault: {name: pod-deletion}\n"
	tests := map[string]struct{ text, want string }{
		"unknown field":      {good + "healwithin: 3s\n", `f.yaml:5:1: unknown field "healwithin"`},
		"wrong type":         {good + "healWithin: soon\n", "f.yaml:5:13: "},
		"unknown fault":      {strings.Replace(good, "pod-deletion", "pod-deletoin", 1), `f.yaml:4:15: unknown fault "pod-deletoin" (did you mean "pod-deletion"?); 'axolotl chaos list' shows them all`},
		"setting of a fault": {strings.Replace(good, "pod-deletion}", "pod-deletion, with: {forced: true}}", 1), `f.yaml:4:36: unknown field "forced"`},
		"setting's value":    {strings.Replace(good, "pod-deletion}", "cpu-squeezed, with: {percent: 500}}", 1), "f.yaml:4:45: percent: want 1 to 99, found 500\n    4 | fault: {name: cpu-squeezed, with: {percent: 500}}\n      |                                             ^"},
		"setting in a step":  {"name: a\ntitle: b\ntarget: {app: pingapp}\nsteps:\n  - {parallel: [{fault: {name: network-bandwidth, with: {kbit: 0}}}]}\n", "f.yaml:5:64: kbit: want 1 or more, found 0"},
		"less than nothing":  {strings.Replace(good, "pod-deletion}", "node-drain, with: {timeout: -5s}}", 1), `f.yaml:4:43: want a duration such as "30s" or "2m", found "-5s"`},
		"missing":            {"name: a\ntitle: b\ntarget: {app: pingapp}\n", `"fault" is missing`},
		"two targets":        {strings.Replace(good, "app: pingapp", "app: pingapp, namespace: x", 1), "f.yaml:3:9: target has both app and namespace"},
		"CEL":                {good + "steadyState:\n  - {name: x, kind: Pod, object: p, cel: objct.a == 1}\n", `f.yaml:6:42: unknown name "objct"`},
		"not CEL at all":     {good + "steadyState:\n  - {name: x, kind: Pod, object: p, cel: 1 +}\n", "f.yaml:6:"},
		"share":              {good + "guards: {maxShare: 200}\n", "f.yaml:5:20: guards.maxShare 200: use 1 to 100"},
		"not YAML":           {"name: [\n", "f.yaml:1:"},
		"empty":              {"", "f.yaml:1:1: the file is empty"},
		"empty path":         {good + "probe: {path: ping}\n", `probe.path "ping" must begin with /`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(test.text))
			var faults strictyaml.Faults
			if !errors.As(err, &faults) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got\n%v\nwant %s", err, test.want)
			}
		})
	}
}
