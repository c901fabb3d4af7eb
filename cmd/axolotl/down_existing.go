package main

import (
	"fmt"

	"axolotl/chaos"
)

// nothingToUndo refuses to forget a cluster that somebody else has made while
// there is something of ours in it. With others all of it goes down.
func nothingToUndo(a *app, name string) error {
	c, err := a.clusters().Load(name)
	if err != nil || c.Source == nil {
		return nil //nolint:nilerr // down itself says what is wrong
	}
	open, err := chaos.Unfinished(c)
	if err != nil {
		return err
	}
	if len(open) > 0 {
		return fmt.Errorf("run %s of experiment %s is not undone, and nobody else would know how; run 'axolotl chaos undo --cluster %s' first",
			open[0].ID, open[0].Experiment, name)
	}
	return nil
}

// fateOf says what down makes of a cluster.
func fateOf(a *app, name string) string {
	if c, err := a.clusters().Load(name); err == nil && c.Source != nil {
		return "is forgotten; the cluster itself was not touched"
	}
	return "is gone"
}
