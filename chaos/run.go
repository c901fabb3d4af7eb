package chaos

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/history"
	"axolotl/chaos/journal"
	"axolotl/chaos/observe"
	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
	"axolotl/internal/bug"
	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Runner runs experiments on one cluster.
type Runner struct {
	Handle   *vm.Handle
	Progress *term.Progress

	// AllowCluster names the one cluster that may be broken though somebody
	// else has made it.
	AllowCluster string

	// Save takes the snapshot that trials begin from. Nil: each begins where the
	// one before has ended.
	Save func(context.Context) (Snapshot, error)

	// Bounds, where set, narrow what may be broken, beside the guards.
	Bounds *Bounds

	// Journal is where what must be undone is kept. Nil: files of the cluster.
	Journal *journal.Journal

	// History is where runs are recorded, a *history.DB as a rule. Nil: their
	// reports become files of the cluster, which TakeIn puts into a history later.
	History Recorder

	// undoWithin is for how long an undo is tried again; 0: undoWithin.
	undoWithin time.Duration

	// stage holds the target that all trials have; nil: each puts up its own.
	stage *stage

	// Now is the clock; its readings must carry the monotonic one, as
	// time.Now's do, which is taken where it is nil.
	Now func() time.Time
}

// Recorder records runs.
type Recorder interface {
	// BeginRun records a run under way; it may be called again as more is known.
	BeginRun(ctx context.Context, r history.Run) error
	// EndRun records a run that has ended, with its raw data as JSON, or nil.
	EndRun(ctx context.Context, r history.Run, raw []byte) error
}

// lateFactor times the deadline is how long a run watches, so as to tell late
// from never.
const lateFactor = 2

// undoWithin bounds the undo, also after an interrupt: a power cut's undo is
// a boot, which takes minutes under emulation.
const undoWithin = vm.Deadline

// run is one run under way. Its fields are filled by its steps, in order.
type run struct {
	experiment *Experiment
	handle     *vm.Handle
	home       *vm.Cluster
	kube       *kube.Client
	progress   *term.Progress
	history    Recorder // nil: none
	journal    *journal.Journal
	now        func() time.Time
	allowed    string  // Runner.AllowCluster
	bounds     *Bounds // nil: none
	undoWithin time.Duration

	id        string
	seed      uint64
	started   time.Time
	namespace string // of our own app; empty for none
	staged    string // the same, where it was put up for several trials and stays
	putUp     bool   // namespace may be there

	entry    *journal.Held
	target   Target // where the pods are, also those of our own app
	scene    *scene
	toll     *toll
	before   *scene // as it was last well before the fault
	log      *timeline.Log
	observer *observe.Observer
	client   *client
	locks    map[string]*store.Lock // by what they are on

	sketch   bool          // it is not done, see foresee
	whole    *run          // of which this is a part; nil: none
	striking sync.Mutex    // for what parts note in the whole when they strike
	parts    []*part       // of a combined experiment, in the order in which they strike
	only     *fault.Target // the one that this part strikes; nil: by the seed

	foreseen   []fault.Target // candidates, as far as they are known before the target is there
	candidates []fault.Target
	targets    []fault.Object

	injected bool // Inject was called, whatever came of it
	proof    string
	fault    timeline.Fault
	machines *machines     // of the nodes that it has lost; nil: none
	struck   time.Time     // just before Inject
	over     bool          // the fault does not last any more
	overAt   time.Duration // since when, on the clock of log; 0: it was not ended in the middle
	healed   *time.Duration
	watched  time.Duration // when healed was seen, on the clock of log
	relapse  error         // why it was not well any more after the undo
	undone   string
	undoErr  error
	ended    time.Time
}

// newRun prepares a run; nothing is touched yet.
func (r *Runner) newRun(e *Experiment) *run {
	now := r.Now
	if now == nil {
		now = time.Now
	}
	seed := e.Seed
	if seed == 0 {
		seed = newSeed()
	}
	started := now()
	suffix := newSuffix()
	x := &run{
		experiment: e, handle: r.Handle, home: r.Handle.Cluster, kube: r.Handle.Kube, progress: r.Progress, history: r.History,
		now: now, allowed: r.AllowCluster, journal: r.entries(), bounds: r.Bounds, undoWithin: cmp.Or(r.undoWithin, undoWithin),
		id: runID(started, suffix), seed: seed, started: started,
		target: e.Target, log: timeline.NewLog(now),
	}
	if e.Target.App != "" {
		if r.stage != nil {
			x.staged = r.stage.run.namespace
		} else {
			x.namespace = "chaos-" + e.Name + "-" + suffix
		}
		x.target = Target{
			Namespace: cmp.Or(x.namespace, x.staged), Deployment: e.Target.App,
			Nodes: e.Target.Nodes, Count: e.Target.Count, Percent: e.Target.Percent,
		}
	}
	return x
}

// newSeed makes a seed up; it is not 0.
func newSeed() uint64 {
	var random [4]byte
	rand.Read(random[:]) //nolint:errcheck // never fails, says its documentation
	return max(uint64(binary.LittleEndian.Uint32(random[:])), 1)
}

// newSuffix makes names unlike those of other runs.
func newSuffix() string { return strings.ToLower(rand.Text()[:5]) }

// runID begins with the second of the start, in UTC.
func runID(started time.Time, suffix string) string {
	return started.UTC().Format("20060102-150405") + "-" + suffix
}

// step is a part of a run that a person sees.
type step struct {
	name string
	do   func(context.Context, *term.Step) error
}

// Run runs an experiment: it always returns a report, which is recorded too,
// and has always undone what it did, or says that it has
// not. When ctx ends it stops, undoes, and the verdict is Aborted.
func (r *Runner) Run(ctx context.Context, e *Experiment) (report *Report) {
	x := r.newRun(e)
	ctx, stop := WhileThere(ctx, r.Handle)
	defer stop()
	ctx, deaf := x.untilTold(ctx)
	defer deaf()
	var err error
	defer func() {
		if p := bug.Error(recover()); p != nil {
			err = p
		}
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", cmp.Or(GoneFrom(ctx), toldFrom(ctx), errInterrupted), err)
		}
		x.finish(context.WithoutCancel(ctx), err)
		report = x.conclude(context.WithoutCancel(ctx), err)
		// It may have been told too late for itself, also while it was undone.
		report.told = report.told || x.entry != nil && x.entry.Told()
	}()
	x.begin(ctx)
	if err = x.perform(ctx, x.steps()); err == nil && len(e.Steps) > 0 {
		err = x.play(ctx)
	}
	return nil // set by the deferred function
}

// steps is the order of a run, up to the healing; of a combined one, up to the
// first step, which play goes on with. What follows, finish and conclude, is done
// however these end.
func (r *run) steps() []step {
	target := []step{{"Ask the guards", r.foresee}, {"Put up the target", r.deploy}}
	if r.namespace == "" {
		target = []step{{"Find the target", r.deploy}, {"Ask the guards", r.foresee}}
	}
	begin := slices.Concat([]step{
		{"Finish what earlier runs left", r.undoEarlier},
		{"See whether the fault can be injected here", r.enter},
	}, target, []step{
		{"Open the watches", r.observe},
		{"Start the client's probe", r.startClient},
		{"Wait for the steady state", r.settle},
	})
	if len(r.experiment.Steps) > 0 {
		return begin
	}
	return append(begin, []step{
		{"Choose the targets and ask the guards", r.choose},
		{"Write the journal", r.writeJournal},
		{"Inject " + r.experiment.Fault.Name(), r.inject},
		{"Prove that it took effect", r.prove},
		{"Watch it heal", r.watch},
	}...)
}

// errInterrupted is the error of a run whose context ended.
var errInterrupted = errors.New("interrupted")

// perform does steps until one fails, or nobody watches any more.
func (r *run) perform(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if err := cmp.Or(ctx.Err(), r.blind()); err != nil {
			return err
		}
		if err := r.progress.Do(s.name, func(p *term.Step) error { return s.do(ctx, p) }); err != nil {
			return err
		}
	}
	return nil
}

// blind is the error of a watch or of the client that has ended by a bug of ours:
// what they would have seen is not known from then on.
func (r *run) blind() error {
	var errs []error
	if r.observer != nil {
		errs = append(errs, r.observer.Err())
	}
	if r.client != nil {
		errs = append(errs, r.client.Err())
	}
	return errors.Join(errs...)
}

// undoEarlier undoes what earlier runs left behind, so that nothing of theirs is
// taken for this run's doing.
func (r *run) undoEarlier(ctx context.Context, step *term.Step) error {
	_, err := recoverFrom(ctx, r.journal, r.handle, nil, r.now, step)
	if err != nil && ctx.Err() == nil {
		return &Refusal{"leftovers", fmt.Sprintf("what an earlier run did cannot be undone: %v", err),
			"see 'axolotl chaos undo'"}
	}
	return err
}

// enter lets the run begin where it may. It is in the journal from here on: it may be
// told to end, and nobody takes the cluster away from under it while it waits.
func (r *run) enter(ctx context.Context, step *term.Step) error {
	if err := r.preflight(ctx, step); err != nil {
		return err
	}
	return r.beginJournal()
}

// preflight asks what can be known before anything is made.
func (r *run) preflight(ctx context.Context, _ *term.Step) error {
	if err := r.ask(ctx, guardsBefore); err != nil {
		return err
	}
	if err := r.experiment.available(ctx, r.handle); err != nil {
		return &SkipError{err.Error()}
	}
	if r.experiment.Probe != nil && r.handle.Driver.Traits().Foreign {
		return &SkipError{fmt.Sprintf("driver %s forwards no NodePorts to this host, so a client cannot be played past the API server; run it with --no-probe",
			r.handle.Driver.Name())}
	}
	if r.experiment.Probe != nil && r.simulated() {
		return &SkipError{fmt.Sprintf("driver %s simulates pods, so nothing answers a client; run it with --no-probe to see the simulated part, or on a cluster made with --driver libvirt",
			r.handle.Driver.Name())}
	}
	return nil
}

// simulated tells whether pods only seem to run.
func (r *run) simulated() bool { return !r.handle.Driver.Traits().RealPods }

// observe opens the watches. Those on leases tell of all nodes every ten seconds, and
// so are for faults that nodes are lost by.
func (r *run) observe(ctx context.Context, _ *term.Step) error {
	open := observe.Open
	if slices.ContainsFunc(r.experiment.faults(), func(f fault.Fault) bool { return f.Effect().Takes.Nodes() }) {
		open = observe.OpenWithLeases
	}
	var err error
	r.observer, err = open(ctx, r.kube.Typed, r.target.Namespace, r.log)
	return err
}

// startClient starts the probe, where one is asked for.
func (r *run) startClient(ctx context.Context, step *term.Step) error {
	if r.experiment.Probe == nil {
		step.Status("none is asked for")
		return nil
	}
	url, path, err := r.clientURL(ctx)
	if err != nil {
		return err
	}
	step.Status("%s", url)
	r.client = startClient(context.WithoutCancel(ctx), r.log, probe.Settings{
		URL: url, Loop: r.experiment.Probe.Loop, Interval: r.experiment.Probe.Interval, Timeout: r.experiment.Probe.Timeout,
	})
	r.client.path = path
	return nil
}

// choose reads the scene, chooses by the seed, and asks the guards.
func (r *run) choose(ctx context.Context, step *term.Step) error {
	var err error
	if r.scene, err = readScene(ctx, r.kube, r.target); err != nil {
		return err
	}
	all, err := r.scene.candidates(ctx, r.handle, r.experiment)
	if err != nil {
		return err
	}
	r.candidates = slices.Clone(all)
	if all, err = r.bounds.spare(ctx, r.experiment.Fault, all); err != nil {
		return err
	}
	chosen := choose(all, r.target, r.seed)
	if r.only != nil {
		chosen = []fault.Target{*r.only}
	}
	// The guards ask what the targets are, not what they were like before. That is
	// read last, when no other run has them: one that had would have left its fault
	// there, to be restored.
	r.targets = nil
	for _, t := range chosen {
		r.targets = append(r.targets, fault.Object{Target: t})
	}
	if r.toll, err = r.readToll(ctx); err != nil {
		return err
	}
	if err := r.ask(ctx, r.toAsk()); err != nil || r.sketch {
		return err
	}
	if r.targets, err = r.experiment.Fault.Prepare(ctx, r.handle, chosen); err != nil {
		return err
	}
	step.Status("%d of %d", len(r.targets), len(r.candidates))
	return nil
}

// lostPods are the target's pods that the fault takes.
func (r *run) lostPods() []timeline.Pod {
	var lost []timeline.Pod
	for i := range r.scene.pods {
		if p := &r.scene.pods[i]; r.takes(p) {
			lost = append(lost, observe.PodState(p))
		}
	}
	return lost
}

// lostNodes are the nodes that the fault takes.
func (r *run) lostNodes() []timeline.Node {
	var lost []timeline.Node
	if !r.experiment.Fault.Effect().Takes.Nodes() {
		return nil
	}
	for _, n := range r.scene.nodes {
		if slices.ContainsFunc(r.targets, func(o fault.Object) bool { return n.UID == o.UID }) {
			lost = append(lost, observe.NodeState(&n))
		}
	}
	return lost
}

// beginJournal writes the entry by which the run is seen to be at work, and under which
// its namespace and fault are undone, before either exists.
func (r *run) beginJournal() error {
	if r.entry != nil {
		return nil
	}
	var err error
	r.entry, err = r.journal.Begin(journal.Entry{
		ID: r.id, Experiment: r.experiment.Name, Cluster: r.home.Name, ClusterID: r.home.ID,
		Created: r.started, Namespace: r.namespace, Run: r.tellID(),
	})
	return err
}

// tellID is the ID by which the run is told to end: of a part, that of the whole.
func (r *run) tellID() string {
	if r.whole != nil {
		return r.whole.id
	}
	return r.id
}

// entries are the journal of the runner's cluster.
func (r *Runner) entries() *journal.Journal {
	if r.Journal != nil {
		return r.Journal
	}
	return journalOf(r.Handle.Cluster)
}

func journalOf(c *vm.Cluster) *journal.Journal { return journal.At(c.Path("journal")) }

// writeJournal writes what the undo of the fault needs.
func (r *run) writeJournal(ctx context.Context, _ *term.Step) error {
	if err := r.beginJournal(); err != nil {
		return err
	}
	spec, err := fault.SpecOf(r.experiment.Fault)
	if err != nil {
		return err
	}
	r.entry.Fault, r.entry.Objects = &spec, r.targets
	r.begin(ctx) // again, as the targets are known now
	return r.entry.Write()
}

// inject strikes.
func (r *run) inject(ctx context.Context, _ *term.Step) error {
	lost, nodes := r.lostPods(), r.lostNodes()
	r.strikeNow()
	r.fault = timeline.Fault{At: r.log.At(r.struck), Lost: lost, Nodes: nodes, Boots: r.experiment.Fault.Effect().Boots()}
	r.machines = r.followMachines(ctx)
	return r.experiment.Fault.Inject(ctx, r.handle, r.targets)
}

// strikeNow notes that the fault strikes now, and where it is the first one of several,
// which may strike at the same time, that the whole does.
func (r *run) strikeNow() {
	w := r.whole
	if w == nil {
		r.injected, r.struck = true, r.now()
		return
	}
	w.striking.Lock()
	defer w.striking.Unlock()
	r.injected, r.struck = true, r.now()
	if !w.injected {
		w.injected, w.struck, w.fault = true, r.struck, timeline.Fault{At: w.log.At(r.struck)}
	}
}

// errNoEffect is the error of a fault that cannot be proved.
var errNoEffect = errors.New("the fault has not taken effect")

// prove waits a while until the fault is seen by other means.
func (r *run) prove(ctx context.Context, step *term.Step) error {
	proof, err := proved(ctx, "the fault has taken effect", proofTime(r.experiment.Fault), func(ctx context.Context) (string, error) {
		return r.experiment.Fault.Injected(ctx, r.handle, r.targets)
	})
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("%w: %w", errNoEffect, err)
	}
	r.proof = proof
	step.Status("%s", proof)
	r.machines.look(ctx) // what the proof has seen is not to be told after it
	return nil
}
