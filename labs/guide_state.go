package labs

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"k8s.io/apimachinery/pkg/util/json"

	"axolotl/internal/store"
	"axolotl/vm"
)

// guideFile and guideLock are in a cluster's state directory.
const (
	guideFile = "lab.json"
	guideLock = "lab.lock"
)

// guideState is what is kept on disk. The lab's text is kept with it: a file
// that changes later does not change the lab under way.
type guideState struct {
	File     string    `json:"file"`
	Source   string    `json:"source"`
	Language Language  `json:"language"`
	Started  time.Time `json:"started"`

	ID        string         `json:"id"`
	Variables map[string]any `json:"variables"`
	Struck    []Struck       `json:"struck,omitempty"`
	Foreseen  []Foreseen     `json:"foreseen,omitempty"`
	Addons    []string       `json:"addons,omitempty"` // to let go of

	// Nodes are what the nodes were like before the lab, where it disturbs any.
	Nodes map[string]NodeBefore `json:"nodes,omitempty"`

	// Left are sessions that came before, whose namespaces are ending.
	Left []string `json:"left,omitempty"`

	// Making: what the steps stand on is being made, or thrown away. Where it is
	// left so, a process was killed meanwhile.
	Making bool `json:"making,omitempty"`

	// Kept is the snapshot to go back to.
	Kept *keptState `json:"kept,omitempty"`

	Seed  int      `json:"seed,omitempty"`  // by which the steps were drawn
	Drawn []string `json:"drawn,omitempty"` // these, in order

	Step   int        `json:"step"`  // the one under way, from 0; as many as there are when all is done
	Begun  bool       `json:"begun"` // its values are remembered
	Passed bool       `json:"passed"`
	Hints  int        `json:"hints"` // of this step, shown so far
	Done   []StepMark `json:"done,omitempty"`
}

// StepMark is how a learner got past a step.
type StepMark struct {
	Name   string `json:"name"`
	Hints  int    `json:"hints"`
	Solved bool   `json:"solved,omitempty"` // by the lab itself

	// Skipped is why the cluster cannot give what the step needs.
	Skipped string `json:"skipped,omitempty"`

	At time.Time `json:"at"`
}

func lockGuide(h *vm.Handle) (*store.Lock, error) {
	return h.Cluster.TryLock(guideLock)
}

// readGuide reads the state. Whole numbers among the variables stay whole, as
// expressions made them.
func readGuide(h *vm.Handle, state *guideState) error {
	path := h.Cluster.Path(guideFile)
	if err := store.ReadJSON(path, state); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return fmt.Errorf("%w; remove it, and the lab's namespaces with: kubectl delete namespace -l %s", err, LabelLab)
	}
	data, err := json.Marshal(state.Variables)
	if err != nil {
		return err
	}
	state.Variables = nil
	return json.Unmarshal(data, &state.Variables)
}

// errOnlySeen is the error where a lab would be changed that SeeGuide returned.
var errOnlySeen = errors.New("the lab was opened to look at it only")

func (g *Guide) save() error {
	if g.lock == nil {
		return errOnlySeen
	}
	s := g.runner.session
	// What is written would bring back its directory, or be another's.
	if gone := s.handle.Cluster.Gone(); gone != nil {
		return gone
	}
	g.state.ID, g.state.Variables, g.state.Struck = s.id, s.variables, s.struck
	g.state.Addons, g.state.Nodes, g.state.Foreseen = s.addons, s.nodes, s.foreseen
	return store.WriteJSON(s.handle.Cluster.Path(guideFile), g.state)
}
