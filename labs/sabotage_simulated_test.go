package labs

import "axolotl/chaos/fault"

// sabotages are those of steps that simulated nodes serve.
var sabotages = []sabotage{
	{"replicasets", "three-pods", "two pods", inApply(0, "replicas: 3", "replicas: 2")},
	{"replicasets", "three-pods", "wrong selector", inApply(0, "app: web", "app: wbe")},
	{"replicasets", "delete-one", "nobody replaces it", first(Action{Delete: &Delete{Target: Target{Kind: "ReplicaSet", Name: "web"}, Cascade: CascadeOrphan}})},
	{"replicasets", "relabel-one", "wrong label", func(s *Step) { s.Do[0].Label.Set = map[string]string{"tier": "quarantine"} }},
	{"replicasets", "relabel-one", "deleted", func(s *Step) { s.Do[0] = Action{Delete: &Delete{Target: s.Do[0].Label.Target}} }},
	{"replicasets", "orphan-all", "pods go too", func(s *Step) { s.Do[0].Delete.Cascade = CascadeBackground }},
	{"replicasets", "adopt", "new pods", first(Action{Delete: &Delete{Target: Target{Kind: "Pod", Labels: map[string]string{"app": "web"}}}})},

	{"namespaces", "two-places", "one only", without(1)},
	{"namespaces", "same-name", "same team", inApply(0, "theirs", "ours")},
	{"namespaces", "quota", "no quota", without(0)},
	{"namespaces", "quota", "quota of three", inApply(0, `"2"`, `"3"`)},
	{"namespaces", "role", "may delete", inApply(0, "list, watch", "list, delete")},
	{"namespaces", "role", "other account", inApply(0, "ServiceAccount, name: reader", "ServiceAccount, name: writer")},
	{"namespaces", "cascade", "wrong namespace", func(s *Step) { s.Do[0].Delete.Name = "{{ namespace }}" }},

	{"labels", "three-kinds", "a wrong port's selector", inApply(0, "selector: {app: shop}, ports", "selector: {app: shp}, ports")},
	{"labels", "three-kinds", "stranger labelled too", inApply(0, "labels: {app: other}", "labels: {app: shop}")},
	{"labels", "mark-together", "two kinds only", inKubectl(0, ",configmaps", "")},
	{"labels", "annotate", "label instead", func(s *Step) {
		s.Do[0] = Action{Label: &Marks{Target: s.Do[0].Annotate.Target, Set: map[string]string{"on-call": "Ana"}}}
	}},
	{"labels", "out-of-service", "deleted", func(s *Step) { s.Do[0] = Action{Delete: &Delete{Target: s.Do[0].Label.Target}} }},
	{"labels", "delete-together", "a kind forgotten", inKubectl(0, ",services", "")},

	{"deployments", "chain", "other image", inApply(0, "pingapp:2.0.1", "pingapp:2.1.0")},
	{"deployments", "delete-a-pod", "one too few", also(scaledTo(2, "pingapp"))},
	{"deployments", "delete-a-pod", "relabelled", relabelled},
	{"deployments", "update", "same image", func(s *Step) { s.Do[0].SetImage.Image = "axolotl/pingapp:2.0.1" }},
	{"deployments", "rollback", "third version", func(s *Step) { s.Do[0].SetImage.Image = "axolotl/pingapp:crash" }},

	{"iac-apply", "apply", "one replica", inApply(0, "replicas: 2", "replicas: 1")},
	{"iac-apply", "one-line", "other line", inApply(0, "pingapp:2.0.1", "pingapp:2.1.0")},
	{"iac-apply", "drift", "no annotation", without(2)},
	{"iac-apply", "put-back", "drifted file", inApply(0, "pingapp:2.0.1", "pingapp:2.1.0")},

	{"iac-apply", "look-first", "applied already", instead(Action{Scale: &Scale{Target: Target{Kind: "Deployment", Name: "web"}, Replicas: 3}})},
	{"iac-apply", "drift", "the image only", without(1)},

	{"kubeconfig", "two-contexts", "may edit", inApply(0, "ClusterRole, name: view", "ClusterRole, name: edit")},
	{"kubeconfig", "two-contexts", "another namespace", func(s *Step) { s.Do[1].Context.Namespace = "default" }},
	{"kubeconfig", "switch", "not used", func(s *Step) { s.Do[0].Context.Use = false }},
	{"kubeconfig", "wrong-one", "a token that is known", func(s *Step) { s.Do[0].Context.Token, s.Do[0].Context.ServiceAccount = "", "guest" }},
	{"kubeconfig", "other-namespace", "its own", func(s *Step) { s.Do[0].Context.Namespace = "{{ namespace }}" }},
	{"kubeconfig", "back", "the stranger stays", without(1)},

	{"volumes", "claim", "more than there is", inApply(0, "requests: {storage: 10Mi}", "requests: {storage: 20Mi}")},
	{"volumes", "notebook", "no claim", inApply(0, "persistentVolumeClaim: {claimName: data}", "emptyDir: {}")},

	{"volumes", "another-pod", "none", instead(scaledTo(0, "notebook"))},
	{"volumes", "another-pod", "relabelled", relabelled},
	{"volumes", "another-pod", "the claim too", also(deleted("PersistentVolumeClaim", "data"))},
	{"volumes", "in-use", "the volume", instead(deleted("PersistentVolume", "{{ namespace }}-disk"))},
	{"volumes", "released", "the pod only", instead(podsDeleted("notebook"))},
	{"volumes", "released", "the volume too", also(deleted("PersistentVolume", "{{ namespace }}-disk"))},

	{"pods-are-volatile", "app", "a pod too few", inApply(0, "replicas: 2", "replicas: 1")},
	{"pods-are-volatile", "noticed", "another machine", onAnother("node", anotherMachine)},
	{"pods-are-volatile", "evicted", "relabelled", instead(Action{Label: &Marks{
		Target: Target{Kind: "Pod", Labels: map[string]string{"app": "web"}}, Set: map[string]string{"app": "wbe"},
	}})},
	{"pods-are-volatile", "replaced", "a pod too few", instead(scaledTo(1, "web"))},
	{"pods-are-volatile", "accounted", "another machine", onAnother("node", anotherMachine)},

	{"game-day", "open", "wrong selector", inApply(0, "spec: {selector: {app: shop}, ports", "spec: {selector: {app: shp}, ports")},
	{"game-day", "closed", "one too few", func(s *Step) { s.Do[0].Scale.Replicas = 2 }},
	{"game-day", "nobody-comes", "another slip", func(s *Step) {
		s.Do[0].Patch.With = map[string]any{"spec": map[string]any{"selector": map[string]any{"app": "shopp"}}}
	}},
	{"game-day", "too-few", "room for two", func(s *Step) {
		s.Do[0].Patch.With = map[string]any{"spec": map[string]any{"hard": map[string]any{"pods": "2"}}}
	}},
	{"game-day", "no-room", "still too much", instead(inTemplate("Deployment", "shop", map[string]any{"containers": []any{
		map[string]any{"name": "shop", "resources": map[string]any{"requests": map[string]any{"cpu": "900"}}},
	}}))},
	{"game-day", "ghost", "another ghost", instead(inTemplate("Deployment", "shop", map[string]any{"serviceAccountName": "goast"}))},
	{"game-day", "picky", "slow disks", instead(inTemplate("Deployment", "shop", map[string]any{"nodeSelector": map[string]any{"disk": "slow"}}))},
	{"game-day", "stuck-drain", "more than there are", func(s *Step) {
		s.Do[0].Patch.With = map[string]any{"spec": map[string]any{"minAvailable": int64(4)}}
	}},
	{"game-day", "stuck-drain", "two may go", func(s *Step) {
		s.Do[0].Patch.With = map[string]any{"spec": map[string]any{"minAvailable": int64(1)}}
	}},
	{"game-day", "locked-out", "may look only", inApply(0, "ClusterRole, name: edit", "ClusterRole, name: view")},
	{"game-day", "locked-out", "may everything", inApply(0, "ClusterRole, name: edit", "ClusterRole, name: admin")},

	{"kubectl-says-ok", "no-room", "there is room", inApply(0, `"1000"`, `"1m"`)},
	{"kubectl-says-ok", "modest", "still too much", func(s *Step) {
		s.Do[0] = Action{Patch: &Patch{Target: s.Do[0].Patch.Target, With: map[string]any{"spec": map[string]any{"template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"tried": "again"}},
		}}}}}
	}},
	{"kubectl-says-ok", "no-account", "an account that is there", inApply(0, "casper", "default")},
	{"kubectl-says-ok", "account", "another account", inApply(0, "casper", "wendy")},
	{"kubectl-says-ok", "nobody-behind", "no slip of the pen", inApply(0, "gredy", "greedy")},
	{"kubectl-says-ok", "somebody-behind", "another slip", func(s *Step) {
		s.Do[0].Patch.With = map[string]any{"spec": map[string]any{"selector": map[string]any{"app": "greeedy"}}}
	}},

	{"rbac", "nobody", "with rights already", first(Action{Apply: `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: early}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: deployer, namespace: "{{ namespace }}"}]`})},
	{"rbac", "role", "may delete", inApply(0, "update, patch]", "update, delete]")},
	{"rbac", "role", "may escalate", inApply(0, "resources: [roles], verbs: [get,", "resources: [roles], verbs: [escalate, get,")},
	{"rbac", "role", "binds nobody", inApply(0, "ServiceAccount, name: deployer", "ServiceAccount, name: nobody")},
	{"rbac", "view", "edit", inApply(0, "ClusterRole, name: view", "ClusterRole, name: edit")},
	{"rbac", "revoke", "the other binding", func(s *Step) { s.Do[0].Delete.Name = "auditor" }},

	{"secrets", "create", "another password", inApply(0, "axolotl", "ajolote")},
	{"secrets", "use", "in the clear", inApply(0, "valueFrom: {secretKeyRef: {name: database, key: password}}", "value: axolotl")},
	{"secrets", "few", "admin", inApply(0, "ClusterRole, name: view", "ClusterRole, name: admin")},
	{"secrets", "immutable", "changed", first(Action{Patch: &Patch{
		Target: Target{Kind: "Secret", Name: "database"}, With: map[string]any{"stringData": map[string]any{"password": "oops"}},
	}})},

	{"jobs", "three-times", "twice", inApply(0, "completions: 3", "completions: 2")},
	{"jobs", "suspended", "not suspended", inApply(0, "suspend: true", "suspend: false")},
	{"jobs", "resumed", "suspended again", inKubectl(0, "false", "true")},
	{"jobs", "resumed", "deleted instead", func(s *Step) {
		s.Do[0] = Action{Delete: &Delete{Target: Target{Kind: "Job", Name: "later"}}}
	}},

	{"cronjobs", "suspended", "not suspended", inApply(0, "suspend: true", "suspend: false")},
	{"cronjobs", "suspended", "no deadline", inApply(0, "startingDeadlineSeconds: 3", "startingDeadlineSeconds: 300")},
	{"cronjobs", "by-hand", "another name", inApply(0, "metadata: {name: now}", "metadata: {name: later}")},
	{"cronjobs", "missed", "resumed too soon", instead(Action{Patch: &Patch{
		Target: Target{Kind: "CronJob", Name: "report"}, With: map[string]any{"spec": map[string]any{"suspend": false}},
	}})},
	{"cronjobs", "made-up", "one stays suspended", without(0)},

	{"statefulsets", "in-order", "a Deployment", inApply(0, "kind: StatefulSet\nmetadata: {name: db}\nspec:\n  serviceName: db", "kind: Deployment\nmetadata: {name: db}\nspec:")},
	{"statefulsets", "in-order", "no Service", inApply(0, "serviceName: db", "serviceName: bd")},
	{"statefulsets", "same-name", "another one", func(s *Step) { s.Do[0].Delete.Name = "db-0" }},
	{"statefulsets", "from-the-end", "no partition", without(0)},
	{"statefulsets", "in-reverse", "to two", func(s *Step) { s.Do[0].Scale.Replicas = 2 }},
	{"statefulsets", "in-reverse", "db-0 made anew", first(Action{Delete: &Delete{Target: Target{Kind: "Pod", Name: "db-0"}}})},

	{"daemonsets", "everywhere", "a Deployment's kind of selector", inApply(0, "tolerations: [{operator: Exists, effect: NoSchedule}]", "nodeSelector: {no: such}")},
	{"daemonsets", "replaced-in-place", "not the one", func(s *Step) {
		s.Do[0] = Action{Annotate: &Marks{Target: s.Do[0].Delete.Target, Set: map[string]string{"a": "b"}}}
	}},
	{"daemonsets", "replaced-in-place", "relabelled", relabelled},
	{"daemonsets", "node-leaves", "off only", func(s *Step) { s.Do[0].Machine.Do = MachineOff }},
	{"daemonsets", "node-joins", "another machine", onAnother("leaver", anotherMachine)},
	{"daemonsets", "node-joins", "nothing wants to run there", first(
		inTemplate("DaemonSet", "agent", map[string]any{"nodeSelector": map[string]any{"no": "such"}}),
	)},

	{"drain", "budget", "one may go", inApply(0, "minAvailable: 2", "minAvailable: 1")},
	{"drain", "blocked", "evicted by force", first(Action{Delete: &Delete{Target: Target{Kind: "Pod", Name: "{{ guest }}"}}})},
	{"drain", "yields", "by force", instead(podsDeleted("web"))},
	{"drain", "yields", "nobody evicts", without(1)},
	{"drain", "back", "another is cordoned", onAnother("node", func(s *Step) {
		s.Do = []Action{{Break: &Break{Fault: "node-cordon", Node: "{{ other }}", fault: &fault.NodeCordon{}}}}
	})},
	{"drain", "back", "pushed back", also(
		inTemplate("Deployment", "web", map[string]any{"nodeSelector": map[string]any{"kubernetes.io/hostname": "{{ node }}"}}),
	)},

	{"why-orchestrate", "two-apps", "only one", inApply(0, "replicas: 1", "replicas: 0")},
	{"why-orchestrate", "two-apps", "apart", inApply(0, "podAffinity:", "podAntiAffinity:")},
	{"why-orchestrate", "lights-out", "another machine", onAnother("node", anotherMachine)},
	{"why-orchestrate", "lights-out", "made again by hand", also(Action{Apply: onePod("alone-2", "alone", "axolotl/pingapp:2.1.0")})},
	{"why-orchestrate", "lights-on", "another machine", onAnother("node", anotherMachine)},
	{"why-orchestrate", "lights-on", "made again by hand", also(Action{Apply: onePod("alone-2", "alone", "axolotl/pingapp:2.1.0")})},
}
