package labs

// realSabotages are those of steps that need pods that run, or machines. They
// run on a cluster of the user's only (see clusterVariableName); everywhere
// else it is only seen that there is something to sabotage.
var realSabotages = []sabotage{
	{"first-steps", "namespace", "another name", func(s *Step) { s.Do[0].Namespace = "{{ namespace }}-mine" }},
	{"first-steps", "deployment", "a pod too few", inApply(0, "replicas: 3", "replicas: 2")},
	{"first-steps", "deployment", "old image", inApply(0, "pingapp:2.1.0", "pingapp:2.0.1")},
	{"first-steps", "service", "wrong port", inApply(0, "targetPort: 8080", "targetPort: 8081")},
	{"first-steps", "service", "wrong selector", inApply(0, "selector: {app: pingapp}", "selector: {app: pigapp}")},
	{"first-steps", "env", "another variable", func(s *Step) { s.Do[0].Env.Set = map[string]string{"GRETING": "hello from the env"} }},
	{"first-steps", "configmap", "not taken from it", without(1)},
	{"first-steps", "change-the-configmap", "restarted too", also(Action{Patch: &Patch{
		Target: Target{Kind: "Deployment", Name: "pingapp"},
		With: map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
			"annotations": map[string]any{"too": "soon"},
		}}}},
	}})},
	{"first-steps", "restart", "another ConfigMap", first(Action{Patch: &Patch{
		Target: Target{Kind: "ConfigMap", Name: "pingapp"}, With: map[string]any{"data": map[string]any{"GREETING": "hello never"}},
	}})},

	{"pods", "run", "old image", inApply(0, "pingapp:2.1.0", "pingapp:2.0.1")},
	{"pods", "set-image", "another pod", instead(
		Action{Delete: &Delete{Target: Target{Kind: "Pod", Name: "pingapp"}, Cascade: CascadeForeground}},
		Action{Apply: onePod("pingapp-2", "pingapp", "axolotl/pingapp:2.0.1")},
	)},
	{"pods", "sidecar", "asks a wrong port", inApply(0, "localhost:8080", "localhost:8081")},
	{"pods", "sidecar", "the exporter ends", inApply(0, "touch /logs/app.log; tail -f /logs/app.log", "exit 1")},

	{"services", "name", "wrong port", inApply(0, "targetPort: 8080", "targetPort: 8081")},
	{"services", "name", "wrong selector", inApply(0, "spec: {selector: {app: web}", "spec: {selector: {app: wbe}")},
	{"services", "name", "one pod only", inApply(0, "replicas: 3", "replicas: 1")},
	{"services", "unready", "told that it is well", func(s *Step) {
		s.Do[0].Exec.Command = []string{"wget", "-q", "-O", "-", "--post-data=", "http://{{ patientIP }}:8080/healthz?ok=true"}
	}},

	{"configmaps", "two-ways", "another path", inApply(0, "/config/GREETING", "/config/GRETING")},
	{"configmaps", "change", "another word", func(s *Step) {
		s.Do[0].Patch.With = map[string]any{"data": map[string]any{"GREETING": "good evening"}}
	}},
	{"configmaps", "change", "made anew", also(Action{Delete: &Delete{Target: Target{Kind: "Pod", Name: "by-env"}}})},

	{"configmaps", "restarted", "not restarted", without(0)},
	{"configmaps", "restarted", "the other one too", also(deleted("Pod", "by-file"))},

	{"image-pull", "no-such-image", "one that exists", inApply(0, "pingapp:no-such-tag", "pingapp:2.1.0")},
	{"image-pull", "mended", "another slip", instead(Action{SetImage: &SetImage{
		Target: Target{Kind: "Deployment", Name: "typo"}, Image: "axolotl/pingapp:no-such-tag-either",
	}})},
	{"image-pull", "crash-loop", "does not crash", inApply(0, "pingapp:crash", "pingapp:2.1.0")},

	{"job-backoff", "given-up", "succeeds", inApply(0, `command: ["false"]`, `command: ["true"]`)},
	{"job-backoff", "given-up", "one try only", inApply(0, "backoffLimit: 2", "backoffLimit: 0")},

	{"env", "set", "another value", inApply(0, "value: kubernetes", "value: docker")},
	{"env", "change", "another variable", func(s *Step) { s.Do[0].Env.Set = map[string]string{"GRETING": "hello again"} }},
	{"env", "unset", "another one", func(s *Step) { s.Do[0].Env.Unset = []string{"COURSE"} }},

	{"deployments", "client", "wrong port", inApply(0, "targetPort: 8080", "targetPort: 8081")},
	{"deployments", "not-one-failed", "the app was away", instead(
		Action{Scale: &Scale{Target: Target{Kind: "Deployment", Name: "pingapp"}, Replicas: 0}},
		Action{Exec: &Exec{Pod: "client", Command: []string{"sh", "-c", "until grep -q failed /tmp/log; do usleep 200000; done"}}},
	)},

	{"why-orchestrate", "probe", "wrong port", inApply(0, "targetPort: 8080", "targetPort: 8081")},
	{"why-orchestrate", "outages", "somebody made another", instead(
		Action{Apply: onePod("alone-2", "alone", "axolotl/pingapp:2.1.0")},
		Action{Exec: &Exec{Pod: "probe", Command: []string{"sh", "-c", "until tail -n 1 /tmp/alone | grep -q answer; do usleep 200000; done"}}},
	)},

	{"volumes", "note", "one file only", func(s *Step) { s.Do[0].Exec.Command = []string{"sh", "-c", "echo remember me >/scratch/note"} }},
	{"volumes", "what-is-left", "lost", instead(
		Action{Exec: &Exec{Pods: map[string]string{"app": "notebook"}, Command: []string{"rm", "/data/note"}}})},

	{"volumes", "ask", "another class", inApply(0, "storageClassName: local-path", "storageClassName: by-hand")},
	{"volumes", "provisioned", "no claim", inApply(0, "persistentVolumeClaim: {claimName: diary}", "emptyDir: {}")},
	{"volumes", "second-page", "on no volume", inApply(2, "persistentVolumeClaim: {claimName: diary}", "emptyDir: {}")},
	{"volumes", "thrown-away", "the pod holds it", without(0)},

	{"statefulsets", "own-claims", "no claims", inApply(0, "command: [sh, -c, \"hostname >>/data/names; sleep 86400\"]", "command: [sh, -c, \"sleep 86400\"]")},
	{"statefulsets", "claims-come-back", "one only", func(s *Step) {
		s.Do[0].Delete.Target = Target{Kind: "Pod", Name: "shelf-1"}
	}},
	{"statefulsets", "claims-stay", "the claim goes too", also(Action{Delete: &Delete{Target: Target{Kind: "PersistentVolumeClaim", Name: "data-shelf-1"}}})},

	{"ingress", "apps", "wrong port", inApply(0, "selector: {app: green}, ports: [{port: 80, targetPort: 8080}]", "selector: {app: green}, ports: [{port: 80, targetPort: 8081}]")},
	{"ingress", "hosts", "nobody's class", inApply(0, "ingressClassName: traefik", "ingressClassName: nginx")},
	{"ingress", "hosts", "another host", inApply(0, "host: green.test", "host: gren.test")},
	{"ingress", "hosts", "any host", inApply(0, "host: green.test\n      http", "http")},
	{"ingress", "hosts", "wrong port", inApply(0, "{name: green, port: {number: 80}}", "{name: green, port: {number: 81}}")},
	{"ingress", "paths", "one path", inApply(0, "path: /version", "path: /versions")},
	{"ingress", "paths", "the wrong way round", inApply(0, "path: /, pathType: Prefix, backend: {service: {name: blue", "path: /, pathType: Prefix, backend: {service: {name: green")},
	{"ingress", "turn", "the Service instead", instead(Action{Patch: &Patch{
		Target: Target{Kind: "Service", Name: "blue"}, With: map[string]any{"spec": map[string]any{"selector": map[string]any{"app": "green"}}},
	}})},
	{"ingress", "gone", "one stays", without(1)},

	{"network-policy", "open", "closed already", also(Action{Apply: denyAll})},
	{"network-policy", "closed", "others are", inApply(0, "app: web", "app: wbe")},
	{"network-policy", "closed", "open to all", inApply(0, "policyTypes: [Ingress]", "policyTypes: [Ingress]\n  ingress: [{}]")},
	{"network-policy", "friends", "to all", inApply(0, "podSelector: {matchLabels: {role: friend}}", "podSelector: {}")},
	{"network-policy", "friends", "the Service's port", inApply(0, "port: 8080", "port: 80")},
	{"network-policy", "friends", "to nobody", inApply(0, "role: friend", "role: freind")},
	{"network-policy", "make-friends", "another label", func(s *Step) { s.Do[0].Label.Set = map[string]string{"role": "fan"} }},
	{"network-policy", "make-friends", "the policy instead", instead(Action{Patch: &Patch{
		Target: Target{Kind: "NetworkPolicy", Name: "friends"}, With: map[string]any{"spec": map[string]any{"ingress": []any{map[string]any{}}}},
	}})},
	{"network-policy", "silent", "may say all", inApply(0, "podSelector: {matchLabels: {app: web}}", "namespaceSelector: {}")},
	{"network-policy", "dns", "another port", inApply(0, "port: 53", "port: 54")},
	{"network-policy", "dns", "everywhere", also(Action{Apply: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: everywhere}
spec: {podSelector: {matchLabels: {app: client}}, policyTypes: [Egress], egress: [{}]}`})},

	{"autoscaling", "measure", "two pods", inApply(0, "spec:\n  selector: {matchLabels: {app: web}}", "spec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}")},
	{"autoscaling", "autoscaler", "of nobody", inApply(0, "kind: Deployment, name: web", "kind: Deployment, name: wbe")},
	{"autoscaling", "load", "by hand", instead(Action{Scale: &Scale{Target: Target{Kind: "Deployment", Name: "web"}, Replicas: 3}})},
	{"autoscaling", "load", "none", inApply(0, "wget -q -O /dev/null http://web/env", "sleep 1")},
	{"autoscaling", "bound", "by hand", instead(Action{Scale: &Scale{Target: Target{Kind: "Deployment", Name: "web"}, Replicas: 2}})},

	{"game-day", "bad-release", "the same again", func(s *Step) { s.Do[0].SetImage.Image = "axolotl/pingapp:crash" }},
	{"game-day", "unwell", "another wrong port", instead(inTemplate("Deployment", "shop", map[string]any{"containers": []any{
		map[string]any{"name": "shop", "readinessProbe": map[string]any{"httpGet": map[string]any{"port": int64(8082)}}},
	}}))},

	{"break-the-vm", "work", "wrong port", inApply(0, "targetPort: 8080", "targetPort: 8081")},
	{"break-the-vm", "reached", "nobody is there", instead(
		scaledTo(0, "web"),
		Action{Await: &Check{HTTP: &HTTP{NodePort: "{{ port }}"}, Not: true}},
	)},
	{"break-the-vm", "plug-pulled", "another machine", onAnother("node", anotherBroken)},
	{"break-the-vm", "plug-pulled", "the pod only", instead(podsDeleted("web"))},
	{"break-the-vm", "back", "left without power", without(0)},
	{"break-the-vm", "back", "another pod", also(
		Action{Await: &Check{HTTP: &HTTP{NodePort: "{{ port }}"}, Contains: "pong"}},
		podsDeleted("web"),
	)},
	{"break-the-vm", "note", "nothing is written", without(2)},
	{"break-the-vm", "wiped", "another machine", onAnother("victim", anotherMachine)},
	{"break-the-vm", "wiped", "the pod only", instead(podsDeleted("diary"))},
	{"break-the-vm", "recreated", "left as it is", without(0)},
	{"break-the-vm", "recreated", "written anew", also(
		Action{Await: &Check{Exec: &Exec{Pod: "diary", Command: []string{"sh", "-c", "test -e /scratch/note || echo gone"}}, Contains: "gone"}},
		Action{Exec: &Exec{Pod: "diary", Command: []string{"sh", "-c", "echo remember me >/scratch/note"}}},
	)},

	{"control-plane-down", "app", "wrong port", inApply(0, "targetPort: 8080", "targetPort: 8081")},
	{"control-plane-down", "no-controllers", "they run", without(0)},
	{"control-plane-down", "no-controllers", "nothing is asked for", without(1)},
	{"control-plane-down", "controllers-return", "they do not", without(0)},
	{"control-plane-down", "controllers-return", "less is asked for", instead(scaledTo(1, "web"))},
	{"control-plane-down", "no-scheduler", "it runs", without(0)},
	{"control-plane-down", "scheduler-returns", "less is asked for", instead(scaledTo(2, "web"))},
	{"control-plane-down", "no-api-server", "it runs", without(2)},
	{"control-plane-down", "api-server-returns", "it does not", without(0)},
	{"control-plane-down", "api-server-returns", "other pods", also(Action{Await: &Check{APIServer: &APIServer{}}}, podsDeleted("web"))},
}

// denyAll lets nobody come to a pod of the namespace.
const denyAll = `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {}, policyTypes: [Ingress]}}`

// onePod is a pod with one container.
func onePod(name, app, image string) string {
	return `{apiVersion: v1, kind: Pod, metadata: {name: ` + name + `, labels: {app: ` + app + `, run: ` + app + `}},
spec: {containers: [{name: ` + app + `, image: "` + image + `", imagePullPolicy: IfNotPresent}]}}`
}
