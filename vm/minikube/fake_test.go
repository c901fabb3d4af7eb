package minikube

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// The fake is this test's own binary under the name minikube. What it says was
// heard from minikube v1.38.1, which the tests of real_test.go ask again; that it
// made machines was only read in its sources.

// fakeDir is the variable with the directory in which the fake keeps what it
// has made, and what it was called with.
const fakeDir = "AXOLOTL_FAKE_MINIKUBE"

// These are the variables with what it writes into kubeconfigs.
const (
	fakeServer    = "AXOLOTL_FAKE_API"
	fakeAuthority = "AXOLOTL_FAKE_CA"
)

func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case program:
		os.Exit(fakeMain(os.Args[1:]))
	case "sudo":
		os.Exit(sudoMain(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// fake is a minikube that is installed, for one test.
type fake struct {
	t   *testing.T
	dir string

	gone       string // the node that the API server does not have
	registered int    // nodes that it was given
}

// newFake puts a fake minikube first in PATH.
func newFake(t *testing.T) *fake {
	t.Helper()
	dir, bin := t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, program)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv(fakeDir, dir)
	t.Setenv(homeVariable, "")
	f := &fake{t: t, dir: dir}
	f.serve()
	return f
}

// serve plays the API server of a cluster, as far as that it has nodes: all that
// it is asked for but those that are gone.
func (f *fake) serve() {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodPost:
			f.registered++
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"kind":"Node","apiVersion":"v1","metadata":{"name":"n"}}`)
		case f.gone == name:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
		default:
			fmt.Fprintf(w, `{"kind":"Node","apiVersion":"v1","metadata":{"name":%q}}`, name)
		}
	}))
	f.t.Cleanup(server.Close)
	f.t.Setenv(fakeServer, server.URL)
	f.t.Setenv(fakeAuthority, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
}

// calls are the command lines so far, without the profile.
func (f *fake) calls() []string {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.dir, "calls"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// called are the calls that begin with some words.
func (f *fake) called(words string) []string {
	f.t.Helper()
	return slices.DeleteFunc(f.calls(), func(call string) bool { return !strings.HasPrefix(call, words) })
}

// answer makes the next calls that begin with some words print this, and do
// nothing.
func (f *fake) answer(words string, exit int, stdout, stderr string) {
	f.t.Helper()
	data, err := json.Marshal(map[string]answer{words: {exit, stdout, stderr}})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, "answers"), data, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// fakeState is what the fake has made, by profile.
type fakeState map[string][]fakeNode

type fakeNode struct {
	Number int
	Host   string
}

func fakeMain(args []string) int {
	dir, profile := os.Getenv(fakeDir), "minikube"
	if len(args) > 1 && args[0] == "--profile" {
		profile, args = args[1], args[2:]
	}
	line := strings.Join(args, " ")
	log, err := os.OpenFile(filepath.Join(dir, "calls"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(err)
	fmt.Fprintf(log, "%s\n", line)
	check(log.Close())
	var answers map[string]answer
	load(filepath.Join(dir, "answers"), &answers)
	for words, a := range answers {
		if strings.HasPrefix(line, words) {
			fmt.Print(a.Stdout)
			fmt.Fprint(os.Stderr, a.Stderr)
			return a.Exit
		}
	}
	state := fakeState{}
	load(filepath.Join(dir, "state"), &state)
	code := state.run(profile, args)
	data, err := json.Marshal(state)
	check(err)
	check(os.WriteFile(filepath.Join(dir, "state"), data, 0o600))
	return code
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "the fake minikube:", err)
		os.Exit(2)
	}
}

func load(file string, into any) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	check(err)
	check(json.Unmarshal(data, into))
}

// answer is what the fake prints in place of what it would do.
type answer struct {
	Exit           int
	Stdout, Stderr string
}

// run does what minikube does, as far as somebody can tell from outside.
func (s fakeState) run(profile string, args []string) int {
	sub := args[0]
	if sub == "node" || sub == "profile" || sub == "image" {
		sub += " " + args[1]
	}
	nodes, there := s[profile]
	last := args[len(args)-1]
	switch sub {
	case "version":
		fmt.Println("v1.38.1")
	case "profile list":
		type named struct{ Name string }
		list := map[string][]named{"invalid": {}, "valid": {}}
		for name := range s {
			list["valid"] = append(list["valid"], named{name})
		}
		check(json.NewEncoder(os.Stdout).Encode(list))
	case "start":
		return s.start(profile, args)
	case "delete":
		delete(s, profile)
		tell(typeStep, map[string]string{"name": "Deleting", "currentstep": "0", "totalsteps": "3", "message": "Deleting " + profile})
	default:
		if !there {
			fmt.Printf("* Profile %q not found. Run \"minikube profile list\" to view all profiles.\n  To start a cluster, run: \"minikube start -p %s\"\n", profile, profile)
			return exitNotFound
		}
	}
	if !there {
		return 0
	}
	find := func(name string) int {
		return slices.IndexFunc(nodes, func(n fakeNode) bool { return n.name(profile) == name })
	}
	switch sub {
	case "node list":
		for _, n := range nodes {
			fmt.Printf("%s\t192.0.2.%d\n", n.name(profile), n.Number)
		}
	case "node add":
		s[profile] = append(nodes, fakeNode{Number: nodes[len(nodes)-1].Number + 1, Host: hostRunning})
	case "node start", "node stop", "node delete":
		i := find(last)
		if i < 0 {
			fmt.Fprintf(os.Stderr, "\nX Exiting due to GUEST_NODE_RETRIEVE: retrieving node: Could not find node %s\n", last)
			return exitNotFound
		}
		switch sub {
		case "node delete":
			if nodes[i].Host == hostNone {
				fmt.Fprintf(os.Stderr, "\nX Exiting due to GUEST_NODE_DELETE: deleting node: load host: machine %q does not exist\n", last)
				return 80
			}
			s[profile] = slices.Delete(nodes, i, i+1)
		case "node stop":
			nodes[i].Host = "Stopped"
		case "node start":
			nodes[i].Host = hostRunning
		}
	case "status":
		return printStatus(profile, nodes, args)
	case "ssh":
		if i := find(after(args, "--node")); i < 0 || nodes[i].Host != hostRunning {
			fmt.Fprintln(os.Stderr, "X Exiting due to GUEST_NODE_RETRIEVE: Node does not exist.")
			return exitNotFound
		}
		fmt.Println(last)
	}
	return 0
}

func (n fakeNode) name(profile string) string {
	if n.Number == 1 {
		return profile
	}
	return fmt.Sprintf("%s-m%02d", profile, n.Number)
}

// after is the value of a flag.
func after(args []string, flag string) string {
	if i := slices.Index(args, flag); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// start makes a profile, or starts all of one that is there, and writes the
// kubeconfig.
func (s fakeState) start(profile string, args []string) int {
	nodes := s[profile]
	if nodes == nil {
		count, err := strconv.Atoi(after(args, "--nodes"))
		check(err)
		for n := range count {
			nodes = append(nodes, fakeNode{Number: n + 1})
		}
	}
	for i := range nodes {
		nodes[i].Host = hostRunning
	}
	s[profile] = nodes
	for i, step := range []string{"Initial Minikube Setup", "Selecting Driver", "Starting Node", "Done"} {
		tell(typeStep, map[string]string{"name": step, "currentstep": strconv.Itoa(i), "totalsteps": "19", "message": step})
	}
	check(writeKubeconfig(os.Getenv("KUBECONFIG"), profile))
	return 0
}

// writeKubeconfig writes one with a context for the API server that is played.
func writeKubeconfig(file, profile string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters[profile] = &clientcmdapi.Cluster{Server: os.Getenv(fakeServer), CertificateAuthorityData: []byte(os.Getenv(fakeAuthority))}
	config.AuthInfos[profile] = &clientcmdapi.AuthInfo{}
	config.Contexts[profile] = &clientcmdapi.Context{Cluster: profile, AuthInfo: profile}
	config.CurrentContext = profile
	return clientcmd.WriteToFile(*config, file)
}

func tell(kind string, data map[string]string) {
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"specversion": "1.0", "id": "0", "source": "https://minikube.sigs.k8s.io/", "type": kind, "datacontenttype": "application/json", "data": data,
	}))
}

// printStatus prints one machine as an object and several as a list, none where one
// of them does not exist, and exits with a bit for what is not well.
func printStatus(profile string, nodes []fakeNode, args []string) int {
	code, all := 0, []nodeStatus{}
	only := after(args, "--node")
	for _, n := range nodes {
		if only != "" && n.name(profile) != only {
			continue
		}
		if only == "" && n.Host == hostNone {
			fmt.Print("null")
			return 7
		}
		st := nodeStatus{Name: n.name(profile), Host: n.Host, Kubelet: n.Host, Worker: n.Number > 1, Kubeconfig: "Configured", APIServer: n.Host}
		if st.Worker {
			st.Kubeconfig, st.APIServer = "Irrelevant", "Irrelevant"
		}
		if n.Host != hostRunning {
			code = 7
		}
		all = append(all, st)
	}
	var err error
	if len(all) == 1 {
		err = json.NewEncoder(os.Stdout).Encode(all[0])
	} else {
		err = json.NewEncoder(os.Stdout).Encode(all)
	}
	check(err)
	return code
}
