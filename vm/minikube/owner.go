package minikube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/cluster"
)

var _ cluster.Salvager = (*Driver)(nil)

// ownerFile is, in a cluster's directory, the note that the profile of its name
// is ours. It is written before the profile is made, and only where there is
// none of that name.
const ownerFile = "minikube.json"

type owner struct {
	Cluster string `json:"cluster"` // its ID
	Profile string `json:"profile"`

	// Home is the MINIKUBE_HOME that the profile is in, whatever it is when
	// something else is done to it; empty: minikube's default.
	Home string `json:"home,omitempty"`
}

// ownerOf reads the note of a cluster; nil: there is none.
func ownerOf(c *vm.Cluster) (*owner, error) {
	var o owner
	err := store.ReadJSON(c.Path(ownerFile), &o)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && (o.Cluster != c.ID || o.Profile != profile(c)) {
		err = fmt.Errorf("it is of profile %s of a cluster %s", o.Profile, o.Cluster)
	}
	if err != nil {
		return nil, fmt.Errorf("%s does not say that profile %s is ours (%w); if it is, remove it with 'minikube delete -p %s' and then this file",
			c.Path(ownerFile), profile(c), err, profile(c))
	}
	return &o, nil
}

// take notes that the profile is ours. One that somebody else has made is
// refused.
func take(ctx context.Context, c *vm.Cluster) error {
	o, err := ownerOf(c)
	if err != nil || o != nil {
		return err
	}
	out, err := of(c).run(ctx, nil, "profile", "list", "--output", "json")
	if err != nil {
		return err
	}
	var list struct{ Valid, Invalid []struct{ Name string } }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return fmt.Errorf("minikube profile list: %w", err)
	}
	for _, p := range append(list.Valid, list.Invalid...) {
		if p.Name == profile(c) {
			return fmt.Errorf("minikube has a profile %q that axolotl did not make; remove it ('minikube delete -p %s') or choose another name for the cluster",
				p.Name, p.Name)
		}
	}
	return store.WriteJSON(c.Path(ownerFile), owner{Cluster: c.ID, Profile: profile(c), Home: os.Getenv(homeVariable)})
}

// forget removes the note, once the profile is gone.
func (o *owner) forget(c *vm.Cluster) error {
	err := os.Remove(c.Path(ownerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Salvage implements cluster.Salvager: a cluster whose record is damaged has
// its note.
func (d *Driver) Salvage(_ context.Context, _, dir string) (string, error) {
	var o owner
	c := &vm.Cluster{Dir: dir}
	if err := store.ReadJSON(c.Path(ownerFile), &o); err != nil {
		return "", nil //nolint:nilerr // missing or damaged: it tells nothing
	}
	return o.Cluster, nil
}
