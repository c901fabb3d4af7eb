package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"axolotl/chaos"
	"axolotl/chaos/timeline"
	"axolotl/internal/store"
)

// reports writes reports as files of a cluster, as runs do that cannot open
// the history: so many that heal after about so long, then so many of another
// length. They are a day apart, and the last is half a day old. Their IDs are
// the experiment's name and a number from 001 on, which is the seed, too:
//
//	reports CLUSTER EXPERIMENT [COUNT DURATION]...
func reports(ts *testscript.TestScript, _ bool, args []string) {
	name := args[1]
	e, err := chaos.Open(name)
	ts.Check(err)
	var each []time.Duration
	for i := 2; i < len(args); i += 2 {
		count, err := strconv.Atoi(args[i])
		ts.Check(err)
		about, err := time.ParseDuration(args[i+1])
		ts.Check(err)
		for k := range count {
			each = append(each, about+time.Duration(k%7)*10*time.Millisecond)
		}
	}
	for i, took := range each {
		e.Seed = uint64(i + 1)
		file, err := e.File()
		ts.Check(err)
		noticed := time.Second
		p := chaos.Report{
			APIVersion: chaos.APIVersion, Kind: chaos.Kind, ID: fmt.Sprintf("%s-%03d", name, i+1), Experiment: name,
			Cluster: args[0], Driver: "libvirt", Seed: e.Seed, Verdict: chaos.Healed, HealedAfter: &took, HealWithin: time.Minute,
			Started: time.Now().Add(-time.Duration(len(each)-1-i)*oneDay - oneDay/2), File: file,
			Recovered: chaos.Recovered{Pods: []timeline.Recovery{{Lost: timeline.Pod{Name: "web"}, Total: took, Phases: []timeline.Phase{
				{Name: timeline.Noticed, Known: true, To: noticed}, {Name: timeline.Ready, Known: true, From: noticed, To: took},
			}}}},
			Raw: &chaos.Raw{Requests: []chaos.RawRequest{{At: noticed, Fail: "refused"}}},
		}
		ts.Check(store.WriteJSON(filepath.Join(ts.Getenv("CLUSTERS"), args[0], "runs", p.ID+".json"), p))
	}
}
