package cluster

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"axolotl/internal/store"
	"axolotl/vm"
)

// ownerFile is, in a cluster's directory, the note by which its objects are found
// where its record is damaged. It is written before the record, which changes often.
const ownerFile = "owner.json"

type owner struct {
	Cluster string   `json:"cluster"` // its ID
	Driver  string   `json:"driver"`
	URI     string   `json:"uri,omitempty"`
	Hosts   []string `json:"hosts,omitempty"` // URIs of machines that are elsewhere

	// SharedMemory is the record's, of a golden snapshot that is being made.
	SharedMemory string `json:"sharedMemory,omitempty"`
}

// noteOwner writes the note of a cluster, where it has not the same already.
func noteOwner(c *vm.Cluster) error {
	o := owner{Cluster: c.ID, Driver: c.Driver, URI: c.URI, SharedMemory: c.SharedMemory}
	for _, m := range c.Machines {
		if m.Host != "" && m.Host != c.URI && !slices.Contains(o.Hosts, m.Host) {
			o.Hosts = append(o.Hosts, m.Host)
		}
	}
	had := ownerOf(c.Dir)
	if had != nil && slices.Equal(had.Hosts, o.Hosts) && had.Cluster == o.Cluster &&
		had.Driver == o.Driver && had.URI == o.URI && had.SharedMemory == o.SharedMemory {
		return nil
	}
	return store.WriteJSON(c.Path(ownerFile), o)
}

// ownerOf reads the note in a directory; nil where there is none that can be read.
func ownerOf(dir string) *owner {
	var o owner
	if err := store.ReadJSON((&vm.Cluster{Dir: dir}).Path(ownerFile), &o); err != nil || o.Cluster == "" || o.Driver == "" {
		return nil
	}
	return &o
}

// cluster is what a note tells of a cluster: enough for its driver to take it down.
func (o *owner) cluster(name, dir string) *vm.Cluster {
	c := &vm.Cluster{Name: name, ID: o.Cluster, Driver: o.Driver, URI: o.URI, SharedMemory: o.SharedMemory, Dir: dir}
	for _, host := range o.Hosts {
		c.Machines = append(c.Machines, vm.Machine{Host: host}) // no more is known of them
	}
	return c
}

// begun tells whether anything of a cluster was made that has this directory. Its
// record is the first thing; what a kill or a full disk leaves before that is the
// note, and hidden files that have not got their names yet.
func begun(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() != ownerFile && !strings.HasPrefix(e.Name(), ".")
	}), err
}
