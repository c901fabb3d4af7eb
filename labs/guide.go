package labs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/json"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// guideFile and guideLock are in a cluster's state directory.
const (
	guideFile = "lab.json"
	guideLock = "lab.lock"
)

// Guide is a lab that a learner goes through, one at a time on a cluster. What
// it knows is on disk after every method, so that it outlives the terminal.
type Guide struct {
	Lab *Lab

	runner *runner
	state  guideState
	lock   *store.Lock
}

// guideState is what is kept on disk. The lab's text is kept with it: a file
// that changes later does not change the lab under way.
type guideState struct {
	File     string    `json:"file"`
	Source   string    `json:"source"`
	Language Language  `json:"language"`
	Started  time.Time `json:"started"`

	ID          string         `json:"id"`
	Variables   map[string]any `json:"variables"`
	Struck      []Struck       `json:"struck,omitempty"`
	MachinesOff []string       `json:"machinesOff,omitempty"`
	Addons      []string       `json:"addons,omitempty"` // to let go of

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

// ErrNoGuide is the error where no lab is under way.
var ErrNoGuide = errors.New("no lab is under way on this cluster; start one with: axolotl lab start NAME")

// StartGuide begins a lab on a cluster. Where one is under way, that is the
// error.
func StartGuide(ctx context.Context, h *vm.Handle, lab *Lab, o Options) (*Guide, error) {
	lock, err := lockGuide(h)
	if err != nil {
		return nil, err
	}
	g, err := startGuide(ctx, h, lab, o)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	g.lock = lock
	return g, nil
}

func startGuide(ctx context.Context, h *vm.Handle, lab *Lab, o Options) (*Guide, error) {
	var underWay guideState
	switch err := readGuide(h, &underWay); {
	case err == nil:
		return nil, fmt.Errorf("lab %q is under way on this cluster; end it with: axolotl lab quit", underWay.File)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	reason, err := lab.Needs.missing(ctx, h)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		return nil, fmt.Errorf("lab %q cannot be done here: %s", lab.Name, reason)
	}
	o.setDefaults()
	drawn, err := lab.drawn(ctx, h, o.Seed)
	if err != nil {
		return nil, err
	}
	state := guideState{File: lab.file, Source: lab.source, Language: o.Language, Started: o.Now()}
	if lab.Draw > 0 {
		state.Seed = o.Seed
		for _, i := range drawn.pool() {
			state.Drawn = append(state.Drawn, drawn.Steps[i].Name)
		}
	}
	lab = drawn
	g := &Guide{
		Lab: lab, runner: &runner{Options: o, session: newSession(h, lab, o.Now), lab: lab},
		state: state,
	}
	s := g.runner.session
	s.guided = true
	if s.addons, err = lab.addons(ctx, h); err != nil {
		return nil, err
	}
	// Written before anything is made: what exists can be found again.
	if err := g.save(); err != nil {
		return nil, err
	}
	if err := s.useAddons(ctx, g.runner.Progress); err != nil {
		return nil, errors.Join(err, g.end(ctx))
	}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, g.end(ctx))
	}
	return g, g.begin(ctx)
}

// ResumeGuide returns the lab that is under way on a cluster; the error is
// ErrNoGuide where there is none.
func ResumeGuide(h *vm.Handle, o Options) (*Guide, error) {
	lock, err := lockGuide(h)
	if err != nil {
		return nil, err
	}
	var state guideState
	err = readGuide(h, &state)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNoGuide
	}
	var lab *Lab
	if err == nil {
		lab, err = Parse(state.File, []byte(state.Source))
	}
	if err == nil && lab.Draw > 0 {
		lab = lab.with(state.Drawn)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	o.setDefaults()
	if o.Language == "" {
		o.Language = state.Language
	}
	s := newSession(h, lab, o.Now)
	s.resume(state.ID)
	s.variables, s.struck, s.machinesOff = state.Variables, state.Struck, state.MachinesOff
	s.addons, s.guided = state.Addons, true
	return &Guide{Lab: lab, runner: &runner{Options: o, session: s, lab: lab}, state: state, lock: lock}, nil
}

func lockGuide(h *vm.Handle) (*store.Lock, error) {
	return store.TryLock(h.Cluster.Path(guideLock))
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

func (g *Guide) save() error {
	s := g.runner.session
	g.state.ID, g.state.Variables, g.state.Struck, g.state.MachinesOff = s.id, s.variables, s.struck, s.machinesOff
	g.state.Addons = s.addons
	return store.WriteJSON(s.handle.Cluster.Path(guideFile), g.state)
}

// Close lets go of the lab as it is.
func (g *Guide) Close() error { return g.lock.Unlock() }

// Step is the step under way, or nil when all are done.
func (g *Guide) Step() *Step {
	if g.state.Step >= len(g.Lab.Steps) {
		return nil
	}
	return &g.Lab.Steps[g.state.Step]
}

// Namespace is the lab's own.
func (g *Guide) Namespace() string { return g.runner.session.namespace }

// Say is what the step under way tells the learner, as Markdown with its
// title.
func (g *Guide) Say() (string, error) {
	step := g.Step()
	if step == nil {
		return fmt.Sprintf("# %s\n\n%s", g.Lab.Title.In(g.runner.Language), words(g.runner.Language,
			"All steps are done. `axolotl lab quit` clears away.", "Todos los pasos están hechos. `axolotl lab quit` limpia todo.")+g.scoreWords()), nil
	}
	text, err := step.sayWith(g.runner.Language, valueIn(g.runner.session.variables))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("# %s, %d/%d: %s\n\n%s", g.Lab.Title.In(g.runner.Language), g.state.Step+1, len(g.Lab.Steps), step.Name, text), nil
}

// score is what the learner got for the steps that were drawn, of how much.
func (g *Guide) score() (got, of int) {
	for _, mark := range g.state.Done {
		if slices.Contains(g.state.Drawn, mark.Name) {
			got += mark.points()
		}
	}
	return got, fullPoints * len(g.state.Drawn)
}

// scoreWords tell the score, where there is one.
func (g *Guide) scoreWords() string {
	got, of := g.score()
	if of == 0 {
		return ""
	}
	return "\n\n" + fmt.Sprintf(words(g.runner.Language,
		"Your score is **%d of %d**, with seed %d. A hint costs %d points, a step that was solved for you has none.",
		"Tu puntaje es **%d de %d**, con la semilla %d. Una pista cuesta %d puntos; un paso resuelto por axolotl no da ninguno."),
		got, of, g.state.Seed, hintPoints)
}

// words chooses a fixed text by language.
func words(language Language, en, es string) string { return Text{EN: en, ES: es}.In(language) }

// begin remembers what the step under way needs, once. Steps that cannot be
// done on this cluster are passed over.
func (g *Guide) begin(ctx context.Context) error {
	const limit = time.Minute
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %s; 'axolotl lab reset' begins anew", limit))
	defer cancel()
	for step := g.Step(); step != nil && !g.state.Begun; step = g.Step() {
		reason, err := step.Needs.missing(ctx, g.runner.session.handle)
		if err != nil {
			return errors.Join(err, g.save())
		}
		if reason == "" {
			break
		}
		g.state.Done = append(g.state.Done, StepMark{Name: step.Name, Skipped: reason, At: g.runner.Now()})
		g.state.Step++
	}
	step := g.Step()
	if step == nil || g.state.Begun {
		return g.save()
	}
	if err := g.runner.setUp(ctx, step); err != nil {
		return errors.Join(err, g.save())
	}
	g.state.Begun = true
	return g.save()
}

// Check looks at every check of the step under way, once; the ones that ask
// for something to stay so are watched for that long. Where all hold, the step
// is passed. seen says of each that does not hold what was there instead.
func (g *Guide) Check(ctx context.Context) (results []CheckResult, seen []*Problem, err error) {
	step := g.Step()
	if step == nil {
		return nil, nil, nil
	}
	if err := g.begin(ctx); err != nil {
		return nil, nil, err
	}
	passed := true
	for _, c := range step.Check {
		result := CheckResult{That: g.runner.words(c), Outcome: Passed}
		if problem := g.look(ctx, c); problem != nil {
			result.Outcome, passed = Failed, false
			seen = append(seen, problem)
		}
		results = append(results, result)
	}
	if ctx.Err() != nil {
		return results, seen, context.Cause(ctx)
	}
	if passed && !g.state.Passed {
		g.state.Passed = true
		g.mark(step, false)
	}
	return results, seen, g.save()
}

// look is one look at a check.
func (g *Guide) look(ctx context.Context, c Check) *Problem {
	const glance = 10 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, c.For+glance, errors.New("it takes too long to look"))
	defer cancel()
	condition, err := g.runner.session.condition(c)
	if err == nil {
		err = condition.Check(ctx)
	}
	if err == nil && c.For > 0 {
		c.Within = time.Second
		return g.runner.wait(ctx, c)
	}
	if err != nil {
		return problem(g.runner.words(c), err)
	}
	return nil
}

func (g *Guide) mark(step *Step, solved bool) {
	g.state.Done = append(g.state.Done, StepMark{Name: step.Name, Hints: g.state.Hints, Solved: solved, At: g.runner.Now()})
}

// Hint returns the next hint of the step under way: first those whose
// condition says that this is what went wrong, then the others in order, then
// the last again. It is "" where there is none.
func (g *Guide) Hint(ctx context.Context) (string, error) {
	step := g.Step()
	if step == nil {
		return "", nil
	}
	if err := g.begin(ctx); err != nil {
		return "", err
	}
	var plain []Hint
	for _, hint := range step.Hint {
		if hint.When == nil {
			plain = append(plain, hint)
		} else if g.look(ctx, *hint.When) == nil {
			return expandWith(hint.In(g.runner.Language), g.runner.session.variables)
		}
	}
	if len(plain) == 0 {
		return "", nil
	}
	hint := plain[min(g.state.Hints, len(plain)-1)]
	g.state.Hints++
	if err := g.save(); err != nil {
		return "", err
	}
	return expandWith(hint.In(g.runner.Language), g.runner.session.variables)
}

// Solve does the step under way for the learner and waits for its checks.
func (g *Guide) Solve(ctx context.Context) (*Problem, error) {
	step := g.Step()
	if step == nil {
		return nil, nil
	}
	if err := g.begin(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, step.limit(), fmt.Errorf("the step's timeout of %s is over", step.limit()))
	defer cancel()
	line := g.runner.Progress.Start(g.Lab.Name + " " + step.Name)
	failure := g.runner.solve(ctx, step, line)
	if failure == nil {
		_, failure = g.runner.checks(ctx, step, line)
	}
	var err error
	if failure != nil {
		err = errors.New(failure.Message)
	} else if !g.state.Passed {
		g.state.Passed = true
		g.mark(step, true)
	}
	line.Done(err)
	return failure, g.save()
}

// ErrNotPassed is the error of Next where the step's checks do not hold.
var ErrNotPassed = errors.New("this step is not done yet; 'axolotl lab check' shows what is missing, 'axolotl lab hint' helps, 'axolotl lab solve' does it")

// Next goes to the next step, where the one under way has passed or passes
// now.
func (g *Guide) Next(ctx context.Context) error {
	if g.Step() == nil {
		return nil
	}
	if !g.state.Passed {
		if _, seen, err := g.Check(ctx); err != nil || len(seen) > 0 {
			return errors.Join(err, ErrNotPassed)
		}
	}
	g.state.Step++
	g.state.Begun, g.state.Passed, g.state.Hints = false, false, 0
	return g.begin(ctx)
}

// Reset throws away what the lab made and begins it anew at its first step.
func (g *Guide) Reset(ctx context.Context) error {
	old := g.runner.session
	if err := old.undo(ctx); err != nil {
		return errors.Join(err, g.save())
	}
	fresh := newSession(old.handle, g.Lab, g.runner.Now)
	fresh.addons, fresh.guided = old.addons, true
	g.runner.session = fresh
	g.state.Step, g.state.Begun, g.state.Passed, g.state.Hints, g.state.Done = 0, false, false, 0, nil
	if err := g.save(); err != nil {
		return err
	}
	if err := fresh.begin(ctx); err != nil {
		return err
	}
	return g.begin(ctx)
}

// Quit throws away what the lab made and forgets it.
func (g *Guide) Quit(ctx context.Context) error { return g.end(ctx) }

func (g *Guide) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	s := g.runner.session
	if err := g.runner.Progress.Do(g.Lab.Name+" clean up", func(*term.Step) error { return s.end(ctx) }); err != nil {
		return errors.Join(err, g.save())
	}
	return store.RemoveFile(s.handle.Cluster.Path(guideFile))
}

// GuideStatus is how far a learner has come.
type GuideStatus struct {
	Lab       string     `json:"lab"`
	Title     string     `json:"title"`
	Namespace string     `json:"namespace"`
	Started   time.Time  `json:"started"`
	Step      int        `json:"step"` // from 1; one more than there are when all is done
	Steps     []string   `json:"steps"`
	Passed    bool       `json:"passed"` // the step under way
	Done      []StepMark `json:"done,omitempty"`
	Seed      int        `json:"seed,omitempty"`  // by which the steps were drawn
	Score     int        `json:"score,omitempty"` // of ScoreOf
	ScoreOf   int        `json:"scoreOf,omitempty"`
}

// Status says how far the learner has come.
func (g *Guide) Status() GuideStatus {
	status := GuideStatus{
		Lab: g.Lab.Name, Title: g.Lab.Title.In(g.runner.Language), Namespace: g.Namespace(), Started: g.state.Started,
		Step: g.state.Step + 1, Passed: g.state.Passed, Done: slices.Clone(g.state.Done), Seed: g.state.Seed,
	}
	status.Score, status.ScoreOf = g.score()
	for _, step := range g.Lab.Steps {
		status.Steps = append(status.Steps, step.Name)
	}
	return status
}
