package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"axolotl/chaos/fault"
	"axolotl/internal/term"
)

// part is a step of a combined run: a run of its own in all that concerns its
// fault, with a journal entry of its own, in the scene of the whole.
type part struct {
	*run
	stage   int // the step, counted from 1
	after   time.Duration
	settled bool // what it broke has healed

	verdict Verdict // of this part; empty while it is not known
	reason  string
	undoAt  time.Duration // when it was seen to be undone, on the clock of the log; 0: it was not
}

// play goes through the steps of a combined experiment.
func (r *run) play(ctx context.Context) error {
	if err := r.beginJournal(); err != nil {
		return err
	}
	if err := r.inTurn(ctx, func(parts []*part) error { return r.together(ctx, parts) }); err != nil {
		return r.halfway(err)
	}
	var slowest time.Duration
	struck := false
	for _, p := range r.parts {
		if p.healed != nil {
			slowest, struck = max(slowest, *p.healed), true
		}
	}
	if !struck {
		return &SkipError{"no step of it can be done here"}
	}
	r.healed, r.watched = &slowest, r.log.Now()
	return nil
}

// halfway is the error of a combined run that has ended with err. Where something was
// struck before, nobody may take the run for one that has done nothing: that a later
// step is refused, or has no effect, is what it was ended by.
func (r *run) halfway(err error) error {
	struck := slices.ContainsFunc(r.parts, func(p *part) bool { return p.injected && p.verdict != NoEffect })
	var judged Report
	judged.judge(err, nil, nil)
	if !struck || !slices.Contains([]Verdict{Refused, Skipped, NoEffect}, judged.Verdict) {
		return err
	}
	return fmt.Errorf("ended after other steps had struck: %s", err) // as none of these errors any more
}

// inTurn does something with the parts that strike together, step by step; of a step
// with each there are as many turns as candidates.
func (r *run) inTurn(ctx context.Context, do func([]*part) error) error {
	for i, s := range r.experiment.Steps {
		step := func() error { return do(r.partsOf(ctx, i+1, s)) }
		if s.Each {
			step = func() error { return r.eachInTurn(ctx, i+1, s, do) }
		}
		if err := step(); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, s, err)
		}
	}
	return nil
}

// partsOf adds the members of a step to the run, but for those that cannot be had
// here.
func (r *run) partsOf(ctx context.Context, number int, s Step) []*part {
	var parts []*part
	for _, m := range s.members() {
		if p := r.part(ctx, number, m); p != nil {
			parts = append(parts, p)
		}
	}
	return parts
}

// eachInTurn does it with all candidates of a step, one after another.
func (r *run) eachInTurn(ctx context.Context, number int, s Step, do func([]*part) error) error {
	turns, err := r.turns(ctx, number, s)
	if err != nil {
		return err
	}
	for i := range turns {
		p := r.part(ctx, number, s)
		p.only = &turns[i]
		if err := do([]*part{p}); err != nil {
			return fmt.Errorf("%s: %w", turns[i], err)
		}
	}
	return nil
}

// turns are the candidates of a step in the order in which they are struck; none
// where its fault cannot be had here.
func (r *run) turns(ctx context.Context, number int, s Step) ([]fault.Target, error) {
	probe := r.part(ctx, number, s)
	if probe == nil {
		return nil, nil
	}
	r.parts = r.parts[:len(r.parts)-1] // it only looks
	scene, err := readScene(ctx, r.kube, r.target)
	if err != nil {
		return nil, err
	}
	if probe.experiment.Fault.Effect().On == fault.OnNodes {
		scene.pods = nil // also nodes that run none of the target's
	}
	all, err := scene.candidates(ctx, r.handle, probe.experiment)
	if err == nil {
		all, err = r.bounds.spare(ctx, probe.experiment.Fault, all)
	}
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, zeroTargets("no candidate for it")
	}
	var turns []fault.Target
	for _, i := range rand.New(rand.NewPCG(r.seed, uint64(number))).Perm(len(all)) {
		turns = append(turns, all[i])
	}
	return turns, nil
}

// part adds a step to the run. It is nil where the step is optional and its
// fault cannot be had here, which the report says.
func (r *run) part(ctx context.Context, number int, s Step) *part {
	e := r.experiment.alone(s)
	n := len(r.parts) + 1
	child := &run{
		experiment: e, handle: r.handle, home: r.home, kube: r.kube, progress: r.progress, now: r.now, allowed: r.allowed,
		journal: r.journal, bounds: r.bounds,
		id: fmt.Sprintf("%s-%d", r.id, n), seed: r.seed + uint64(n), started: r.now(),
		target: r.target, log: r.log, observer: r.observer, client: r.client, whole: r, sketch: r.sketch,
	}
	child.target.Nodes, child.target.Count, child.target.Percent = e.Target.Nodes, e.Target.Count, e.Target.Percent
	p := &part{run: child, stage: number, after: s.After}
	r.parts = append(r.parts, p)
	if err := s.Fault.Available(ctx, r.handle); err != nil {
		p.verdict, p.reason, p.settled = Skipped, err.Error(), true
		return nil
	}
	return p
}

// together strikes parts abreast, and watches until all of them have healed.
// The guards are asked of all before the first strikes.
func (r *run) together(ctx context.Context, parts []*part) error {
	begun := r.now()
	for _, p := range parts {
		if err := p.perform(ctx, []step{
			{"Choose the targets and ask the guards", p.choose},
			{"Write the journal", p.writeJournal},
		}); err != nil {
			return p.failed(err)
		}
	}
	err := r.abreast(ctx, begun, parts)
	for _, p := range parts {
		p.settle()
	}
	return err
}

// failed notes how a part has ended that did not heal.
func (p *part) failed(err error) error {
	if err == nil {
		return nil
	}
	var judged Report
	judged.judge(err, nil, nil)
	p.verdict, p.reason = judged.Verdict, judged.Reason
	return err
}

// settle notes that a part has healed.
func (p *part) settle() {
	if p.healed == nil {
		return
	}
	p.settled = true
	judged := Report{HealedAfter: p.healed, HealWithin: p.experiment.HealWithin}
	judged.judge(nil, nil, nil)
	p.verdict, p.reason = judged.Verdict, judged.Reason
	p.handOver()
}

// handOver makes a part's locks the run's: a later step may strike the same thing
// again, another run may not.
func (p *part) handOver() {
	p.whole.keepLocks(p.locks)
	p.locks = nil
}

// undoParts undoes the faults of a combined run, the last one first.
func (r *run) undoParts(ctx context.Context) error {
	var errs []error
	var proofs []string
	for _, p := range slices.Backward(r.parts) {
		if p.entry == nil { // it came no further than to its locks
			p.unlock()
			continue
		}
		var err error
		if p.injected {
			err = r.progress.Do("Undo "+p.experiment.Fault.Name(), func(step *term.Step) error {
				p.undone, p.undoErr = undoFault(ctx, p.handle, p.entry.Entry, r.undoWithin, step)
				step.Status("%s", p.undone)
				return p.undoErr
			})
			p.undoAt = r.log.Now()
			if p.undone != "" && !slices.Contains(proofs, p.undone) {
				proofs = append(proofs, p.undone)
			}
		}
		errs = append(errs, closeEntry(p.handle, p.entry, p.undone, err, r.now()))
		p.unlock()
	}
	r.undone = strings.Join(proofs, "; ")
	return errors.Join(errs...)
}

// beside are the parts whose targets are chosen and, where they were struck, have
// not healed yet.
func (r *run) beside() []*part {
	if r.whole == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.whole.parts), func(p *part) bool { return p.run == r || p.settled || p.scene == nil })
}

// allTargets are those of the run and of the parts beside it, of one kind.
func (r *run) allTargets(kind string) []fault.Object {
	all := slices.Clone(r.targets)
	for _, p := range r.beside() {
		for _, o := range p.targets {
			if o.Kind == kind && !slices.ContainsFunc(all, func(other fault.Object) bool { return other.UID == o.UID }) {
				all = append(all, o)
			}
		}
	}
	return all
}

// allEtcdTaken are the nodes on which the run, and every part whose fault is not
// over, keeps etcd from answering.
func (r *run) allEtcdTaken() []string {
	all := etcdTaken(r.experiment.Fault, r.targets)
	if r.whole == nil {
		return all
	}
	for _, p := range r.whole.parts {
		if p.run != r && !p.over {
			all = append(all, etcdTaken(p.experiment.Fault, p.targets)...)
		}
	}
	return all
}

// ownNamespace is that of the app that the run, or the whole of it, has put up,
// or that was put up for it.
func (r *run) ownNamespace() string {
	if r.whole != nil {
		return r.whole.ownNamespace()
	}
	return cmp.Or(r.namespace, r.staged)
}
