package libvirt

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"axolotl/vm"
)

// etcdGuest is a guest with an etcd that has members, by their URLs.
type etcdGuest struct {
	*guest
	members []string
	refuses int // calls, before it does what it is asked for
	answers []map[string]any
}

func (g *etcdGuest) answer(uuid, command string, arguments map[string]any) (any, error) {
	const first = 100 // process ID
	switch command {
	case "guest-exec":
		arguments, _ := arguments["arg"].([]any)
		if len(arguments) == 5 && arguments[1] == etcdCall {
			g.answers = append(g.answers, g.call(arguments[3].(string), arguments[4].(string)))
			return map[string]any{"pid": first + len(g.answers) - 1}, nil
		}
	case "guest-exec-status":
		if pid := int(arguments["pid"].(float64)); pid >= first {
			return g.answers[pid-first], nil
		}
	}
	return g.guest.answer(uuid, command, arguments)
}

// call does as etcd 3.7 did on a machine, with numbers as text.
func (g *etcdGuest) call(call, body string) map[string]any {
	var request struct {
		ID       string
		PeerURLs []string `json:"peerURLs"`
	}
	err := json.Unmarshal([]byte(body), &request)
	if g.refuses > 0 {
		g.refuses--
		err = fmt.Errorf("etcdserver: unhealthy cluster")
	}
	var out []string
	switch {
	case err != nil:
	case call == "list":
		for _, url := range g.members {
			out = append(out, fmt.Sprintf(`{"ID":"id of %s", "name":"", "peerURLs":["%s"]}`, url, url))
		}
	case call == "remove":
		url := strings.TrimPrefix(request.ID, "id of ")
		if !slices.Contains(g.members, url) {
			err = fmt.Errorf("etcdserver: member not found")
		}
		g.members = slices.DeleteFunc(g.members, func(one string) bool { return one == url })
	case call == "add" && slices.Contains(g.members, request.PeerURLs[0]):
		err = fmt.Errorf("etcdserver: Peer URLs already exists")
	case call == "add":
		g.members = append(g.members, request.PeerURLs...)
	default:
		err = fmt.Errorf("404")
	}
	code, said := 0, ""
	if err != nil {
		code, said = 1, err.Error()
	}
	return map[string]any{
		"exited": true, "exitcode": code, "err-data": base64.StdEncoding.EncodeToString([]byte(said)),
		"out-data": base64.StdEncoding.EncodeToString([]byte(`{"header":{"raft_term":"3"}, "members":[` + strings.Join(out, ", ") + "]}")),
	}
}

// withEtcd gives the guests of a cluster an etcd with all that are in it.
func (w *world) withEtcd(c *vm.Cluster) *etcdGuest {
	g := &etcdGuest{guest: answering()}
	for i := range c.Machines {
		if c.Machines[i].Role == vm.ControlPlane {
			g.members = append(g.members, peerURL(&c.Machines[i]))
		}
	}
	w.fake.answer = g.answer
	return g
}

// One of three control planes is made anew: it leaves etcd and joins it with no
// data of its own, whatever goes wrong in between, and the others run on.
func TestControlPlaneIsRecreatedAtEveryCall(t *testing.T) {
	for _, golden := range []bool{false, true} {
		t.Run(map[bool]string{false: "booted", true: "restored"}[golden], func(t *testing.T) {
			w := newWorld(t)
			if golden {
				w.golden(three(0))
			}
			var etcd *etcdGuest
			work{
				before: func(w *world) {
					options := w.options("c", three(0))
					if golden {
						options = w.restored("c", three(0))
					}
					w.must(w.up(options))
					w.healthy("c")
					etcd = w.withEtcd(w.load("c"))
				},
				run: func(w *world) error {
					return started(nil, w.clusters().RecreateNodes(t.Context(), "c", []string{"cp-2"}, false, w.open, quiet))
				},
			}.everyCall(t, w, func(w *world) {
				c := w.load("c")
				if want := []string{peerURL(&c.Machines[0]), peerURL(&c.Machines[2]), peerURL(&c.Machines[1])}; !slices.Equal(etcd.members, want) {
					t.Errorf("members %v, want %v", etcd.members, want)
				}
				files := untar(t, c.Path("machines", "cp-2", seedFile))
				if env := files["etc/axolotl/node.env"]; !strings.Contains(env, "CLUSTER_STATE=existing\n") {
					t.Errorf("it would begin an etcd of its own: %s", env)
				}
				for name := range files {
					if strings.HasPrefix(name, etcdDir) {
						t.Errorf("it begins with %s", name)
					}
				}
				if text, err := os.ReadFile(c.Path("machines", "cp-2", rootOverlay)); err != nil || strings.Contains(string(text), "golden") {
					t.Errorf("its disk: %q, %v; it must not lie over the golden snapshot's", text, err)
				}
			})
			for _, call := range w.fake.calls {
				for _, other := range []string{"cp-1", "cp-3"} {
					if slices.Contains([]string{"Destroy axolotl-c-" + other, "Undefine axolotl-c-" + other, "Start axolotl-c-" + other}, call) {
						t.Errorf("another one was touched: %s", call)
					}
				}
			}
		})
	}
}

// The whole cluster is recreated where one of its control planes was being made anew:
// that one does not join the others any more, all begin together.
func TestClusterIsRecreatedWhileOneJoins(t *testing.T) {
	w := newWorld(t)
	w.golden(three(0))
	w.must(w.up(w.restored("c", three(0))))
	w.healthy("c")
	w.withEtcd(w.load("c"))
	h, err := w.clusters().Open(t.Context(), "c", w.open)
	if err != nil {
		t.Fatal(err)
	}
	w.fake.refused = "Destroy" // which follows its being noted
	if err := h.Recreate(t.Context(), false, "cp-2"); err == nil || w.load("c").Joining == nil {
		t.Fatalf("it was not interrupted: %v", err)
	}
	if !slices.Equal(h.Cluster.Joining, []string{"cp-2"}) {
		t.Errorf("to whoever has asked for it, %v are joining", h.Cluster.Joining)
	}
	w.fake.refused = ""
	w.must(w.recreate(w.restored("c", three(0))))
	c := w.load("c")
	if c.Joining != nil || c.Machines[1].Fresh {
		t.Errorf("joining %v, fresh %t", c.Joining, c.Machines[1].Fresh)
	}
}

// etcd refuses for some seconds, machines are off: it is asked again, and another
// one.
func TestMembersAreChangedPatiently(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", three(0))))
	c := w.load("c")
	etcd := w.withEtcd(c)
	etcd.refuses = 2
	w.become(c.Machines[0].UUID, vm.MachineStopped)
	d := w.driver()
	w.must(d.leaveEtcd(t.Context(), c, &c.Machines[1]))
	w.must(d.leaveEtcd(t.Context(), c, &c.Machines[1]))
	if len(etcd.members) != 2 || etcd.refuses != 0 {
		t.Errorf("%v, refused %d", etcd.members, etcd.refuses)
	}
	w.must(d.joinEtcd(t.Context(), c, &c.Machines[1]))
	w.must(d.joinEtcd(t.Context(), c, &c.Machines[1]))
	if len(etcd.members) != 3 {
		t.Errorf("%v", etcd.members)
	}
}

func TestControlPlaneThatIsNotRecreated(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", three(0))))
	w.healthy("c")
	w.must(w.up(w.options("one", spec(0))))
	w.healthy("one")
	w.become(w.load("c").Machines[2].UUID, vm.MachineStopped)
	for _, test := range []struct {
		cluster string
		nodes   []string
		want    string
	}{
		{"one", []string{"cp-1"}, "cp-1 is a control plane, and etcd is on its disk"},
		{"c", []string{"cp-1", "cp-2"}, "recreate one at a time"},
		{"c", []string{"cp-1"}, "without cp-1 it is on 1"},
		{"c", []string{"cp-9"}, `no node "cp-9"`},
	} {
		w.fake.arm(0, "")
		err := w.clusters().RecreateNodes(t.Context(), test.cluster, test.nodes, false, w.open, quiet)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v of %s: %v, want %q", test.nodes, test.cluster, err, test.want)
		}
		if w.load(test.cluster).Joining != nil {
			t.Errorf("%v of %s: it is noted to be joining", test.nodes, test.cluster)
		}
	}
}
