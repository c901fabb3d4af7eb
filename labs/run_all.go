package labs

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"axolotl/chaos"
	"axolotl/vm"
)

// RunAll runs labs, at most jobs at a time, and those that break nodes one by
// one after the others. What was killed on the cluster before and has left
// something is undone first. done is told of each as it ends. The results are in
// the order of the labs; labs that had not begun when ctx ended, or the cluster, have none.
func RunAll(ctx context.Context, h *vm.Handle, all []*Lab, jobs int, o Options, done func(Result)) ([]Result, error) {
	ctx, stop := chaos.WhileThere(ctx, h)
	defer stop()
	with := o
	with.setDefaults()
	err := recoverKilled(ctx, h, with.Progress, with.Now)
	if err == nil {
		err = removeLeft(ctx, h, with.Progress, with.Now)
	}
	if err != nil {
		return nil, err
	}
	results := make([]*Result, len(all))
	var mu sync.Mutex
	var errs []error
	run := func(i int) {
		if ctx.Err() != nil {
			return
		}
		result, err := Run(ctx, h, all[i], o)
		mu.Lock()
		defer mu.Unlock()
		results[i] = &result
		errs = append(errs, err)
		done(result)
	}
	var group errgroup.Group
	group.SetLimit(max(1, jobs))
	for i, lab := range all {
		if !lab.Exclusive() {
			group.Go(func() error { run(i); return nil })
		}
	}
	_ = group.Wait() // errors are kept in errs
	for i, lab := range all {
		if lab.Exclusive() {
			run(i)
		}
	}
	ran := []Result{}
	for _, result := range results {
		if result != nil {
			ran = append(ran, *result)
		}
	}
	return ran, errors.Join(errs...)
}
