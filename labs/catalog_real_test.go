package labs

// realSabotages are those of steps that need pods that run, or machines. They
// run on a cluster of the user's only (see clusterVariableName); everywhere
// else it is only seen that there is something to sabotage.
var realSabotages = []sabotage{
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

	{"game-day", "bad-release", "the same again", func(s *Step) { s.Do[0].SetImage.Image = "axolotl/pingapp:crash" }},

	{"break-the-vm", "work", "wrong port", inApply(0, "targetPort: 8080", "targetPort: 8081")},
	{"break-the-vm", "back", "left without power", without(0)},

	{"control-plane-down", "no-controllers", "they run", without(0)},
	{"control-plane-down", "no-controllers", "nothing is asked for", without(1)},
	{"control-plane-down", "controllers-return", "they do not", without(0)},
	{"control-plane-down", "no-scheduler", "it runs", without(0)},
	{"control-plane-down", "no-api-server", "it runs", without(2)},
	{"control-plane-down", "api-server-returns", "it does not", without(0)},
}

// also does something else afterwards.
func also(a Action) func(*Step) {
	return func(s *Step) { s.Do = append(s.Do[:len(s.Do):len(s.Do)], a) }
}

// onePod is a pod with one container.
func onePod(name, app, image string) string {
	return `{apiVersion: v1, kind: Pod, metadata: {name: ` + name + `, labels: {app: ` + app + `, run: ` + app + `}},
spec: {containers: [{name: ` + app + `, image: "` + image + `", imagePullPolicy: IfNotPresent}]}}`
}
