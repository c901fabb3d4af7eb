package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/kubeadm"
)

// SaveSnapshot keeps a cluster, running or stopped, under a name. Its machines
// are paused for it and go on.
func (s Store) SaveSnapshot(ctx context.Context, name, snapshot string, open Opener, progress *term.Progress) (*Snapshot, error) {
	if err := validateSnapshot(snapshot); err != nil {
		return nil, err
	}
	return s.saveSnapshot(ctx, name, snapshot, open, progress)
}

func (s Store) saveSnapshot(ctx context.Context, name, snapshot string, open Opener, progress *term.Progress) (*Snapshot, error) {
	c, release, err := s.take(name)
	if err != nil {
		return nil, err
	}
	defer release()
	if c.Phase != vm.PhaseUp {
		return nil, notUp(c)
	}
	if err := settledMachines(c); err != nil {
		return nil, err
	}
	driver, err := open(c)
	if err != nil {
		return nil, err
	}
	saver, err := vm.SaverOf(driver)
	if err != nil {
		return nil, err
	}
	shot := &Snapshot{Name: snapshot, Cluster: *c, Hardware: saver.Hardware(), dir: c.Path(snapshotsDir, snapshot)}
	if _, err := os.Stat(shot.dir); !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, fmt.Errorf("cluster %q has a snapshot %q already; delete it first ('axolotl snapshot delete %s %s')", name, snapshot, name, snapshot))
	}
	saving := shot.dir + savingSuffix
	defer os.RemoveAll(saving)
	err = Run(ctx, progress, []vm.Action{
		{Name: "Save the machines", Run: func(ctx context.Context, step *term.Step) error {
			if err := os.RemoveAll(saving); err != nil { // of one that was killed
				return err
			}
			if err := os.MkdirAll(saving, 0o700); err != nil {
				return err
			}
			return saver.Save(ctx, c, saving, step)
		}},
		{Name: "Seal the snapshot", Run: func(context.Context, *term.Step) error { return shot.seal(c, saving) }},
	})
	if err != nil {
		return nil, err
	}
	shot.Bytes, err = store.DiskUsage(shot.dir)
	return shot, err
}

// seal adds the credentials to what was saved, and gives it its name.
func (shot *Snapshot) seal(c *vm.Cluster, saving string) (err error) {
	for _, dir := range credentialDirs {
		if err := store.CopyTree(filepath.Join(saving, dir), c.Path(dir)); err != nil {
			return err
		}
	}
	admin, err := os.ReadFile(c.Kubeconfig())
	if err != nil {
		return err
	}
	if err := store.WriteFile(kubeadm.AdminConf(saving), admin, 0o600); err != nil {
		return err
	}
	shot.Created = time.Now().UTC()
	if shot.Files, err = markFiles(saving, false); err != nil {
		return err
	}
	if err := store.WriteJSON(filepath.Join(saving, snapshotFile), shot); err != nil {
		return err
	}
	if err := os.Rename(saving, shot.dir); err != nil {
		return err
	}
	return store.Sync(filepath.Dir(shot.dir))
}
