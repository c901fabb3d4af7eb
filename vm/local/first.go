package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/controlplane"
	"axolotl/vm/image"
	"axolotl/vm/kubeadm"
)

// beginCluster gives a cluster that begins what every cluster begins with, as an
// etcd has it: namespaces, roles, priority levels. To write them is most of what an
// API server does before it is ready. Settings of its own may ask for others; then
// it writes them itself.
func (d *Driver) beginCluster(ctx context.Context, c *vm.Cluster, node string, step *term.Step) error {
	if len(c.Spec.APIServer.Flags()) > 0 {
		return nil
	}
	data := c.Path(dataDir)
	if _, err := os.Stat(data); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	first, err := d.firstObjects(ctx, node, step)
	if err != nil {
		return err
	}
	part := data + ".part"
	if err := os.RemoveAll(part); err != nil { // of one that was killed
		return err
	}
	if err := store.CopyTree(part, first); err != nil {
		return err
	}
	if err := os.Rename(part, data); err != nil {
		return err
	}
	c.Begun = true
	return nil
}

// firstObjects is the directory of an etcd that has them. It is made once for a
// node binary, lies beside that in the cache, and goes with it (image.Prune).
func (d *Driver) firstObjects(ctx context.Context, node string, step *term.Step) (string, error) {
	program := filepath.Base(filepath.Dir(node)) // names what it is made of
	dir := filepath.Join(d.home.Cache, "bin", program+image.FirstMark+firstHash())
	if sound(dir) {
		return filepath.Join(dir, dataDir), nil
	}
	lock, err := store.WaitLock(ctx, dir+".lock", func(locked *store.LockedError) {
		step.Status("waiting for %q (pid %d), which writes what clusters begin with", locked.Holder.Command, locked.Holder.PID)
	})
	if err != nil {
		return "", err
	}
	defer lock.Unlock()
	if sound(dir) { // whoever had the lock has made it
		return filepath.Join(dir, dataDir), nil
	}
	step.Status("writing what every cluster begins with, once for all")
	if err := d.makeFirst(ctx, node, dir); err != nil {
		return "", fmt.Errorf("write what every cluster begins with: %w", err)
	}
	return filepath.Join(dir, dataDir), nil
}

// firstHash changes with the settings by which they are written.
func firstHash() string {
	server := serverOf(&orders{Cluster: vm.Cluster{Machines: []vm.Machine{{}}}})
	sum := sha256.Sum256([]byte(strings.Join(append(server.Etcd(), server.APIServer()...), "\n")))
	return hex.EncodeToString(sum[:4])
}

// makeFirst makes the directory of firstObjects, from nothing. The caller holds its
// lock.
func (d *Driver) makeFirst(ctx context.Context, node, dir string) error {
	temp := dir + ".building"
	if err := errors.Join(os.RemoveAll(temp), os.RemoveAll(dir)); err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	o := &orders{Dir: filepath.Join(temp, "cluster"), Node: node, Cluster: vm.Cluster{
		Name: "first", ID: uuid.NewString(), Dir: filepath.Join(temp, "cluster"), Spec: vm.Spec{ControlPlanes: 1},
	}}
	// It is gone before another one could be in its way for long.
	if err := d.Plan(ctx, &o.Cluster); err != nil {
		return err
	}
	if err := kubeadm.Make(ctx, node, o.Dir, kubeadmConfig(&o.Cluster)); err != nil {
		return err
	}
	server := serverOf(o)
	server.Data = filepath.Join(temp, "whole", dataDir)
	if err := controlplane.FirstOfAny(ctx, &server, kubeadm.AdminConf(o.Dir)); err != nil {
		return err
	}
	if err := seal(filepath.Join(temp, "whole")); err != nil {
		return err
	}
	return os.Rename(filepath.Join(temp, "whole"), dir)
}

// sealFile holds the digest of each file of firstObjects.
const sealFile = "digests.json"

// digests are those of the files below the etcd of a directory, by their paths.
func digests(dir string) (map[string]string, error) {
	all := map[string]string{}
	root := filepath.Join(dir, dataDir)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		all[strings.TrimPrefix(path, root)], err = store.FileSHA256(path, false)
		return err
	})
	return all, err
}

func seal(dir string) error {
	all, err := digests(dir)
	if err != nil {
		return err
	}
	return store.WriteJSON(filepath.Join(dir, sealFile), all)
}

// sound tells whether a directory is there as it was sealed.
func sound(dir string) bool {
	var sealed map[string]string
	if store.ReadJSON(filepath.Join(dir, sealFile), &sealed) != nil || len(sealed) == 0 {
		return false
	}
	now, err := digests(dir)
	if err != nil || len(now) != len(sealed) {
		return false
	}
	for path, digest := range sealed {
		if now[path] != digest {
			return false
		}
	}
	return true
}
