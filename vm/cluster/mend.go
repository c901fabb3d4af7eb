package cluster

import (
	"context"
	"errors"
	"time"

	"axolotl/internal/store"
	"axolotl/vm"
)

// mendWithin is how long a process of ours may take to begin.
const mendWithin = 30 * time.Second

// mend has what a cluster that is up is reached by run again, where it was killed
// or the host has been rebooted. Whoever changes the cluster at the moment sees
// to that itself.
func (s Store) mend(ctx context.Context, c *vm.Cluster, driver vm.Driver) error {
	mender, ok := driver.(vm.Mender)
	if !ok || c.Phase != vm.PhaseUp {
		return nil
	}
	if whole, err := mender.Whole(c); whole || err != nil {
		return err
	}
	lock, err := store.TryLock(s.lockFile(c.Name))
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.unlock(c.Name, lock)
	now, err := s.Load(c.Name)
	if err != nil || now.ID != c.ID {
		return err // it was taken down meanwhile
	}
	return mendTaken(ctx, now, driver)
}

// mendTaken is mend for who holds the cluster's lock.
func mendTaken(ctx context.Context, c *vm.Cluster, driver vm.Driver) error {
	mender, ok := driver.(vm.Mender)
	if !ok || c.Phase != vm.PhaseUp {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, mendWithin)
	defer cancel()
	return mender.Mend(ctx, c)
}
