package minikube

import (
	"errors"
	"testing"
)

// What minikube gives up with becomes an error with its ID, and what it says to
// do; of a step before that it only tells.
func TestStartThatFails(t *testing.T) {
	f := newFake(t)
	f.answer("start", 63, `{"specversion":"1.0","type":"io.k8s.sigs.minikube.step","data":{"currentstep":"1","message":"Using the docker driver","name":"Selecting Driver","totalsteps":"19"}}
{"specversion":"1.0","type":"io.k8s.sigs.minikube.error","data":{"message":"in passing"}}
{"specversion":"1.0","type":"io.k8s.sigs.minikube.error","data":{"advice":"Start the Docker service","exitcode":"63","issues":"","message":"\"docker version --format \u003cno value\u003e\" exit status 1: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?","name":"PROVIDER_DOCKER_NOT_RUNNING","url":"https://minikube.sigs.k8s.io/docs/drivers/docker/"}}
`, "")
	d, c := New("docker"), testCluster(t, 0)
	must(t, d.Plan(t.Context(), c))
	var failed *Error
	err := do(t, d.Up(c))
	if !errors.As(err, &failed) || failed.ID != "PROVIDER_DOCKER_NOT_RUNNING" || failed.ExitCode != 63 || failed.Command != "start" {
		t.Fatalf("up: %v", err)
	}
	if want := `minikube start: "docker version --format <no value>" exit status 1: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running? (PROVIDER_DOCKER_NOT_RUNNING, exit code 63); Start the Docker service`; failed.Error() != want {
		t.Errorf("error %q, want %q", failed, want)
	}
	// What was begun, or not, goes down.
	must(t, do(t, d.Down(c)))
}

// The text of an error ends with what to do.
func TestError(t *testing.T) {
	for want, e := range map[string]*Error{
		"minikube start: no docker (PROVIDER_DOCKER_NOT_RUNNING, exit code 69); Start the Docker service": {
			Command: "start", ID: "PROVIDER_DOCKER_NOT_RUNNING", Message: "no\n docker", Advice: "Start the\nDocker service.", ExitCode: 69, URL: "u",
		},
		"minikube start: no root (DRV_AS_ROOT, exit code 57); run this as an ordinary user, or with MINIKUBE_FORCE=true": {
			Command: "start", ID: "DRV_AS_ROOT", Message: "no root", ExitCode: 57, Profile: "axolotl-c",
		},
		"minikube start: no ISO: https://a: no network; https://b: no network (exit code 80); see https://u": {
			Command: "start", ExitCode: 80, URL: "https://u",
			Message: "no ISO: https://a: getter: &{Ctx:context.Background Pwd: Getters:map[file:0x1] Options:[]}: no network;\n https://b: getter: &{Mode:2 Options:[]}: no network",
		},
		"minikube start: broken (exit code 1); see https://u":                       {Command: "start", Message: "broken", URL: "https://u", ExitCode: 1},
		"minikube node add: broken (exit code 1); see 'minikube logs -p axolotl-c'": {Command: "node add", Message: "broken", Profile: "axolotl-c", ExitCode: 1},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Commands without events say it on a line of their own, among those of the log.
func TestInText(t *testing.T) {
	e := inText("* Deleting node m05\n\nX Exiting due to GUEST_NODE_DELETE: deleting node: Could not find node m05\n* Suggestion: look again\n")
	if e.ID != "GUEST_NODE_DELETE" || e.Message != "deleting node: Could not find node m05" || e.Advice != "look again" {
		t.Errorf("heard %+v", e)
	}
	e = inText("E1127 03:15:28.000000  1 main.go:1] at length\nX Failed to stop node m02: why\n")
	if e.ID != "" || e.Message != "Failed to stop node m02: why" {
		t.Errorf("heard %+v", e)
	}
}

// Its steps are what is seen while it works.
func TestProgress(t *testing.T) {
	for line, want := range map[string]string{
		`{"type":"io.k8s.sigs.minikube.step","data":{"name":"Selecting Driver","message":"Downloading VM boot image ...","currentstep":"1","totalsteps":"19"}}`: "Downloading VM boot image ... (1 of 19)",
		`{"type":"io.k8s.sigs.minikube.download.progress","data":{"artifact":"preload.tar.lz4","progress":"12.5%"}}`:                                            "downloading preload.tar.lz4: 12.5%",
		`{"type":"io.k8s.sigs.minikube.info","data":{"message":"minikube v1.38.1 on Debian"}}`:                                                                  "",
		`{"type":"io.k8s.sigs.minikube.error","data":{"message":"something in passing"}}`:                                                                       "",
		`{"type":"io.k8s.sigs.minikube.download","data":{"artifact":"minikube-v1.38.0-amd64.iso","currentstep":"2"}}`:                                           "downloading minikube-v1.38.0-amd64.iso",
	} {
		e, ok := parseEvent([]byte(line))
		if !ok || e.progress() != want || e.failure() != nil {
			t.Errorf("%s: %q, %v", line, e.progress(), e.failure())
		}
	}
	if _, ok := parseEvent([]byte(`{"Name":"c","Host":"Running"}`)); ok {
		t.Error("a status was taken for an event")
	}
}
