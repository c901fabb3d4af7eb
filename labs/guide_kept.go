package labs

import (
	"context"
	"errors"
	"fmt"

	"axolotl/vm"
)

// Snapshots keep the whole cluster as it is, for the guided lab under way to go
// back to. One is kept at a time.
type Snapshots interface {
	// Save keeps the cluster as it is now, in place of what was kept before.
	Save(ctx context.Context) error
	// Restore has the cluster back as it was kept; what is kept stays so.
	Restore(ctx context.Context) (*vm.Handle, error)
	// Delete drops what is kept; that nothing is, is success.
	Delete() error
}

// keptState is the snapshot of a guided lab, as its state knows it.
type keptState struct {
	// Session is the one that was under way: its namespaces come back with a
	// restore.
	Session string `json:"session"`

	// Failed is why there is no snapshot. It is not tried again: the cluster is
	// not any more what one would want to go back to.
	Failed string `json:"failed,omitempty"`
}

// keep saves the cluster, once, before the first thing that removing the lab's
// namespaces would not undo; because says which, "" that there is none. A lab
// goes on without: its reset undoes then what it did, one by one.
func (g *Guide) keep(ctx context.Context, because string) error {
	_, cannot := vm.SaverOf(g.runner.session.handle.Driver)
	if because == "" || g.state.Kept != nil || g.runner.Snapshots == nil || cannot != nil {
		return nil //nolint:nilerr // that is no failure of the lab
	}
	kept := &keptState{Session: g.runner.session.id}
	err := g.runner.Snapshots.Save(ctx)
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	if err != nil {
		kept.Failed = err.Error()
		g.runner.Progress.Line(g.typed("the cluster could not be saved, so 'axolotl lab reset' will undo one by one what the lab did: %v"), err)
	} else {
		g.runner.Progress.Line(g.typed("%s, so the whole cluster was saved: 'axolotl lab reset' takes it back to now, with all that is in it"), because)
	}
	g.state.Kept = kept
	return g.save()
}

// goBack has the cluster as it was kept, with the namespaces that the lab had
// then, which it leaves. Where nothing is kept it does nothing.
func (g *Guide) goBack(ctx context.Context) error {
	kept := g.state.Kept
	if kept == nil || kept.Failed != "" || g.runner.Snapshots == nil {
		return nil
	}
	// Before the namespaces are back: whoever is killed then leaves them to Quit.
	g.state.leaves(kept.Session)
	if err := g.save(); err != nil {
		return err
	}
	handle, err := g.runner.Snapshots.Restore(ctx)
	if err != nil {
		return fmt.Errorf("go back to the snapshot: %w; %s", err, g.typed("'axolotl lab quit' ends the lab without it"))
	}
	g.runner.session.handle = handle
	return nil
}

// drop deletes the snapshot of a guided lab, or what is left of one.
func (o Options) drop() error {
	if o.Snapshots == nil {
		return nil
	}
	return o.Snapshots.Delete()
}
