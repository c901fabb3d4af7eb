package main

import (
	"context"
	"errors"
	"fmt"

	"axolotl/labs"
	"axolotl/vm"
	"axolotl/vm/cluster"
)

// labCluster opens the cluster that labs are to run on, where that is as the flags
// ask for, if they do. Where there is none it makes one, as 'axolotl up' does, with
// as many nodes as the labs need unless flags say how many; end removes what was
// made, also when ctx has ended.
func (a *app) labCluster(ctx context.Context, name string, flags upFlags, sized bool, all []*labs.Lab) (handle *vm.Handle, end func() error, err error) {
	if err := flags.validate(); err != nil {
		return nil, nil, err
	}
	options, err := flags.asked(a, name)
	if err != nil {
		return nil, nil, err
	}
	handle, err = a.handle(ctx, name)
	if err == nil {
		err = cluster.AsAsked(handle.Cluster, options)
	}
	var missing *cluster.NotFoundError
	if !errors.As(err, &missing) {
		return handle, func() error { return nil }, err
	}
	if !sized {
		for _, lab := range all {
			flags.spec.Workers = max(flags.spec.Workers, lab.MostNodes()-1)
		}
	}
	a.progress.Line("there is no cluster %q: it is made for the labs, and removed afterwards unless --keep", name)
	end = func() error {
		if handle != nil && handle.Cluster.Gone() != nil {
			return nil // somebody took it down, and what has its name now is theirs
		}
		err := a.clusters().Down(context.WithoutCancel(ctx), name, a.downOptions(flags.connect, flags.noContext), a.progress)
		if err != nil {
			return fmt.Errorf("remove cluster %s: %w; finish with: axolotl down %s", name, err, name)
		}
		return nil
	}
	if err := runUp(ctx, a, name, flags); err != nil {
		if ended := end(); !errors.As(ended, &missing) { // else nothing was made yet
			err = errors.Join(err, ended)
		}
		return nil, nil, err
	}
	if handle, err = a.handle(ctx, name); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return handle, end, nil
}
