package labs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"axolotl/chaos"
	"axolotl/internal/check"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Options of a run.
type Options struct {
	Keep     bool           // leave the namespaces, to look around
	Language Language       // of titles and of the checks' words
	Progress *term.Progress // nil shows nothing
	Now      func() time.Time
	Seed     int // by which a lab draws its steps; 0 takes any

	Snapshots Snapshots // of a guided lab; nil where there are none
}

func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Seed == 0 {
		o.Seed = NewSeed()
	}
	if o.Progress == nil {
		o.Progress = term.NewProgress(nil, true)
	}
}

// cleanupTimeout bounds the removal of a lab's namespaces, which goes on after
// the run was interrupted. Pods get their grace of 30 seconds within it, and an
// emulated cluster was seen to take 80 seconds.
const cleanupTimeout = 4 * time.Minute

// Run does every step of a lab and waits until its checks hold. The result is
// complete in every case; a lab that fails is no error. The error says what
// Run itself could not do: it was interrupted, or the cluster was taken down
// meanwhile (a *vm.GoneError), or namespaces of the lab are left.
func Run(ctx context.Context, h *vm.Handle, lab *Lab, o Options) (Result, error) {
	ctx, stop := chaos.WhileThere(ctx, h)
	defer stop()
	o.setDefaults()
	drawn, drawErr := lab.drawn(ctx, h, o.Seed)
	if drawErr == nil {
		lab = drawn
	}
	r := &runner{Options: o, session: newSession(h, lab, o.Now), lab: lab}
	start := o.Now()
	result := Result{
		Lab: lab.Name, Title: lab.Title.In(o.Language), Cluster: h.Cluster.Name, Driver: h.Driver.Name(), Started: start,
	}
	if lab.Draw > 0 {
		result.Seed = o.Seed
	}
	reason, err := lab.missing(ctx, h)
	err = errors.Join(err, drawErr)
	switch {
	case err != nil:
		result.Outcome, result.Reason = Failed, term.Escape(err.Error())
	case reason != "":
		result.Outcome, result.Reason = Skipped, reason
	default:
		err = r.held(ctx, &result)
	}
	result.Seconds = o.Now().Sub(start).Seconds()
	if result.Outcome == Interrupted {
		err = errors.Join(fmt.Errorf("lab %q was interrupted: %w", lab.Name, context.Cause(ctx)), err)
	}
	return result, errors.Join(chaos.GoneFrom(ctx), err)
}

// held does the steps and cleans up. Where it is killed meanwhile, the next run
// knows of it.
func (r *runner) held(ctx context.Context, result *Result) (err error) {
	if !r.Keep {
		if err := r.session.hold(ctx); err != nil {
			result.Outcome, result.Reason = r.unpassed(ctx), term.Escape(cause(ctx, err).Error())
			return nil
		}
	}
	result.Namespace = r.session.namespace
	r.steps(ctx, result)
	result.Kept, err = r.cleanup(ctx, result)
	return errors.Join(err, r.session.letGoOfRun(result.Kept))
}

type runner struct {
	Options
	session *session
	lab     *Lab
}

// steps runs the steps until one does not pass, and sets the outcome.
func (r *runner) steps(ctx context.Context, result *Result) {
	result.Outcome = Passed
	if err := r.begin(ctx); err != nil {
		result.Outcome, result.Reason = r.unpassed(ctx), term.Escape(cause(ctx, err).Error())
	}
	for i := range r.lab.Steps {
		step := &r.lab.Steps[i]
		if result.Outcome != Passed {
			result.Steps = append(result.Steps, StepResult{Name: step.Name, Outcome: NotReached})
			continue
		}
		name := fmt.Sprintf("%s %d/%d %s", r.lab.Name, i+1, len(r.lab.Steps), step.Name)
		sr := r.reported(ctx, name, step)
		result.Steps = append(result.Steps, sr)
		if sr.Outcome != Passed && sr.Outcome != Skipped {
			result.Outcome = sr.Outcome
			result.Reason = fmt.Sprintf("step %q: %s", step.Name, sr.Problem.Message)
		}
	}
	result.noteSkipped()
}

// begin gives the cluster the lab's add-ons, gets what it types with, and makes its
// namespace.
func (r *runner) begin(ctx context.Context) (err error) {
	if r.session.addons, err = r.lab.addons(ctx, r.session.handle); err != nil {
		return err
	}
	if err := r.session.useAddons(ctx, r.Progress); err != nil {
		return err
	}
	for _, step := range r.lab.Steps {
		if err := r.getKubectl(ctx, slices.Concat(step.Setup, step.Do)...); err != nil {
			return err
		}
	}
	return r.session.begin(ctx)
}

// reported runs a step as a line of the progress.
func (r *runner) reported(ctx context.Context, name string, step *Step) StepResult {
	reason, err := step.Needs.missing(ctx, r.session.handle)
	switch {
	case err != nil:
		return StepResult{Name: step.Name, Outcome: r.unpassed(ctx), Problem: problem(cause(ctx, err).Error(), nil)}
	case reason != "":
		return StepResult{Name: step.Name, Outcome: Skipped, Problem: problem(reason, nil)}
	}
	line := r.Progress.Start(name)
	sr := r.step(ctx, step, line)
	if sr.Problem != nil {
		err = errors.New(sr.Problem.Message)
	}
	line.Done(err)
	return sr
}

// step remembers, sees that the checks do not hold yet, does, and waits for
// the checks.
func (r *runner) step(parent context.Context, step *Step, line *term.Step) StepResult {
	start := r.Now()
	ctx, cancel := context.WithTimeoutCause(parent, step.limit(), fmt.Errorf("the step's timeout of %s is over", step.limit()))
	defer cancel()

	sr := StepResult{Name: step.Name, Outcome: Passed}
	sr.Problem = r.prepare(ctx, step)
	if sr.Problem == nil {
		sr.Problem = r.solve(ctx, step, line)
	}
	if sr.Problem == nil {
		sr.Checks, sr.Problem = r.checks(ctx, step, line)
	}
	if sr.Problem != nil {
		sr.Outcome = r.unpassed(parent)
	}
	if gone := chaos.GoneFrom(parent); gone != nil && sr.Problem != nil {
		sr.Problem = problem(gone.Error(), nil) // there is nobody to explain more
	} else if sr.Outcome == Failed {
		sr.Evidence = r.explain(parent, step, sr.Problem)
	}
	sr.Seconds = r.Now().Sub(start).Seconds()
	return sr
}

// prepare keeps values and refuses checks that hold before anything was done:
// they would pass whatever the learner does.
func (r *runner) prepare(ctx context.Context, step *Step) *Problem {
	if err := r.setUp(ctx, step); err != nil {
		return problem(err.Error(), nil)
	}
	if step.AlreadyTrue || len(step.Setup) > 0 || !r.holds(ctx, step) {
		return nil
	}
	return problem("its checks hold before it is done, so they prove nothing; check what the step changes, or say alreadyTrue", nil)
}

// setUp keeps values, does what the step begins with, and waits until that is
// seen.
func (r *runner) setUp(ctx context.Context, step *Step) error {
	for _, memory := range step.Remember {
		if err := r.session.remember(ctx, memory); err != nil {
			return err
		}
	}
	for _, action := range step.Setup {
		if err := r.session.do(ctx, action); err != nil {
			return fmt.Errorf("setup: %s: %w", r.session.filledIn(action), err)
		}
	}
	if len(step.Setup) == 0 {
		return nil
	}
	broken := check.Func("the step's checks do not hold any more", func(ctx context.Context) error {
		if r.holds(ctx, step) {
			return errors.New("they do")
		}
		return nil
	})
	return check.Wait(ctx, broken, pollInterval, nil)
}

// holds tells whether every check holds at this moment.
func (r *runner) holds(ctx context.Context, step *Step) bool {
	for _, c := range step.Check {
		condition, err := r.session.condition(c)
		if err != nil || condition.Check(ctx) != nil {
			return false
		}
	}
	return true
}

func (r *runner) solve(ctx context.Context, step *Step, line *term.Step) *Problem {
	for _, action := range step.Do {
		line.Status("%s", r.session.filledIn(action))
		if err := r.session.do(ctx, action); err != nil {
			return problem(fmt.Sprintf("%s: %v", r.session.filledIn(action), err), nil)
		}
	}
	return nil
}

// checks waits for each check in order, until one does not come true.
func (r *runner) checks(ctx context.Context, step *Step, line *term.Step) ([]CheckResult, *Problem) {
	var results []CheckResult
	var failure *Problem
	for _, c := range step.Check {
		result := CheckResult{That: r.words(c), Outcome: NotReached}
		if failure == nil {
			line.Status("%s", result.That)
			start := r.Now()
			result.Outcome = Passed
			if failure = r.wait(ctx, c); failure != nil {
				result.Outcome = Failed
			}
			result.Seconds = r.Now().Sub(start).Seconds()
		}
		results = append(results, result)
	}
	return results, failure
}

// wait waits until a check holds and has held for as long as it says.
func (r *runner) wait(ctx context.Context, c Check) *Problem {
	condition, err := r.session.condition(c)
	if err != nil {
		return problem(err.Error(), nil)
	}
	if c.For > 0 {
		condition = check.Stays(condition, c.For, r.Now)
	}
	if c.Within > 0 {
		limit := c.Within + c.For
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %s", limit))
		defer cancel()
	}
	var last error
	start := r.Now()
	if err := check.Wait(ctx, condition, pollInterval, func(missing error) { last = missing }); err != nil {
		return problem(fmt.Sprintf("not so after %s: %s", term.Seconds(r.Now().Sub(start)), r.words(c)), last)
	}
	return nil
}

// words says a check as its author does, or else as it is written.
func (r *runner) words(c Check) string {
	if c.That != nil {
		if text, err := expandWith(c.That.In(r.Language), r.session.variables); err == nil {
			return term.Escape(text)
		}
	}
	condition, err := r.session.condition(c)
	if err != nil {
		return term.Escape(err.Error())
	}
	return term.Escape(condition.String())
}

// explain adds to what a step failed by the last events, and returns what else the
// cluster has to say about it.
func (r *runner) explain(ctx context.Context, step *Step, p *Problem) []Collected {
	const limit = 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p.Events = r.session.lastEvents(ctx, fewEvents)
	return r.session.collect(ctx, step.OnFailure)
}

// cleanup removes the lab's namespaces, unless they are to be kept. It has a
// time of its own, so that an interrupted run leaves nothing.
func (r *runner) cleanup(ctx context.Context, result *Result) (kept bool, err error) {
	if r.Keep {
		r.Progress.Line("kept namespace %s", result.Namespace)
		if addons := r.session.addons; len(addons) > 0 {
			r.Progress.Line("kept its add-ons; remove them with: axolotl addon remove %s --cluster %s", strings.Join(addons, " "), result.Cluster)
		}
		return true, r.session.letGo()
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), cleanupTimeout,
		fmt.Errorf("they are not gone after %s", cleanupTimeout))
	defer cancel()
	err = r.Progress.Do(r.lab.Name+" clean up", func(*term.Step) error { return r.session.end(ctx) })
	return err != nil, err
}

// cause is an error, or that the cluster was taken down, where it comes of that.
func cause(ctx context.Context, err error) error { return cmp.Or(chaos.GoneFrom(ctx), err) }

// unpassed is the outcome of what did not pass: it was interrupted where the
// run was, else it failed.
func (r *runner) unpassed(ctx context.Context) Outcome {
	if ctx.Err() != nil && chaos.GoneFrom(ctx) == nil {
		return Interrupted
	}
	return Failed
}
