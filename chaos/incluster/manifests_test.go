package incluster

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	authorization "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"axolotl/internal/kube"
	"axolotl/internal/strictyaml/gocomments"
)

// The service account can do what a run needs where it may, and nothing beside.
func TestRights(t *testing.T) {
	client := applied(t, Manifests{Namespace: "rights", Image: "axolotl/axolotl:latest", Targets: []string{"shop"}, Nodes: true})
	made(t, client, "apiVersion: v1\nkind: Namespace\nmetadata: {name: bystander}")
	account, err := client.As("system:serviceaccount:rights:axolotl-serve")
	if err != nil {
		t.Fatal(err)
	}
	for _, right := range strings.Split(strings.TrimSpace(`
yes rights    get    coordination.k8s.io leases     axolotl-serve
yes rights    update coordination.k8s.io leases     axolotl-serve
yes rights    create coordination.k8s.io leases
yes rights    watch  axolotl.dev         schedules
yes rights    update axolotl.dev         schedules/status
yes rights    delete -                   configmaps
yes -         watch  -                   nodes
yes -         patch  -                   nodes
yes kube-node-lease watch coordination.k8s.io leases
no  kube-node-lease update coordination.k8s.io leases
no  kube-system     list   coordination.k8s.io leases
yes shop      delete -                   pods
yes shop      patch  apps                deployments
yes shop      create -                   pods/eviction
yes bystander create -                   pods/eviction
no  rights    update coordination.k8s.io leases     another
no  rights    update axolotl.dev         schedules
no  rights    create axolotl.dev         schedules
no  rights    delete -                   pods
no  rights    get    -                   secrets
no  rights    patch  apps                deployments
no  shop      get    -                   secrets
no  shop      create -                   pods
no  shop      create -                   pods/exec
no  shop      delete apps                deployments
no  bystander delete -                   pods
no  bystander patch  apps                deployments
no  bystander get    -                   configmaps
no  bystander get    -                   secrets
no  -         delete -                   nodes
no  -         create -                   namespaces
no  -         create rbac.authorization.k8s.io clusterrolebindings
no  kube-system get  -                   configmaps
`), "\n") {
		words := append(strings.Fields(strings.ReplaceAll(right, " - ", " * ")), "")
		if got := may(t, account, words[1:]); got != (words[0] == "yes") {
			t.Errorf("%s: it is %t", right, got)
		}
	}
}

// Without --nodes nothing can be done to a node.
func TestRightsWithoutNodes(t *testing.T) {
	client := applied(t, Manifests{Namespace: "modest", Image: "axolotl/axolotl:latest"})
	account, err := client.As("system:serviceaccount:modest:axolotl-serve")
	if err != nil {
		t.Fatal(err)
	}
	if !may(t, account, []string{"*", "list", "*", "nodes", ""}) || may(t, account, []string{"*", "patch", "*", "nodes", ""}) || may(t, account, []string{"shop", "delete", "*", "pods", ""}) {
		t.Error("it must see nodes, and change neither them nor pods")
	}
}

// may asks whether a client has a right: namespace, verb, group, resource, name.
func may(t *testing.T, client *kube.Client, right []string) bool {
	t.Helper()
	resource, sub, _ := strings.Cut(right[3], "/")
	none := func(word string) string { return strings.ReplaceAll(word, "*", "") }
	review, err := client.Typed.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorization.SelfSubjectAccessReview{
		Spec: authorization.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorization.ResourceAttributes{
			Namespace: none(right[0]), Verb: right[1], Group: none(right[2]), Resource: resource, Subresource: sub, Name: right[4],
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

// What is printed says what was asked for, and nothing twice.
func TestManifestsOfTargets(t *testing.T) {
	text, err := Manifests{Namespace: "ours", Image: "registry.example/axolotl:1", Targets: []string{"a", "b"}}.YAML()
	if err != nil {
		t.Fatal(err)
	}
	objects, err := kube.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, o := range objects {
		names[o.GetKind()+" "+o.GetNamespace()+"/"+o.GetName()]++
	}
	for _, name := range []string{"RoleBinding a/axolotl-serve-target", "RoleBinding b/axolotl-serve-target", "Deployment ours/axolotl-serve", "PodDisruptionBudget ours/axolotl-serve"} {
		if names[name] != 1 {
			t.Errorf("%s is there %d times: %v", name, names[name], names)
		}
	}
	if names["ClusterRoleBinding /axolotl-serve-nodes"] != 0 || !bytes.Contains(text, []byte(`image: "registry.example/axolotl:1"`)) {
		t.Errorf("%s", text)
	}
}

// The schema has every field that is read, and the words of its sources.
func TestDefinition(t *testing.T) {
	definition, err := Definition()
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := yaml.Unmarshal(definition, &fields); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"suspend":{"description":`, `"enum":["forbid","queue"]`, `"stopAfterNotHealed"`, `"required":["experiment","cron"]`, `"accounted"`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the schema lacks %s", want)
		}
	}
	for _, not := range []string{"$ref", "anyOf", `"apiVersion":{`, `"cluster":{`} {
		if bytes.Contains(text, []byte(not)) {
			t.Errorf("the schema has %s", not)
		}
	}
}

// comments.json is what the sources say now.
func TestCommentsAreFresh(t *testing.T) {
	var kept map[string]string
	data, err := os.ReadFile("comments.json")
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"../schedule", "."} {
		comments, err := gocomments.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		for of, said := range comments {
			if kept[of] != said {
				t.Errorf("%s: %q is kept, and the source says %q; run 'make generate'", of, kept[of], said)
			}
		}
	}
}
