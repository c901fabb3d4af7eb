package image

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"axolotl/internal/store"
)

// InUse is what clusters need of the cache.
type InUse struct {
	Images []string // IDs of images that machines have overlays on

	// Programs: some cluster runs programs out of the cache, and starts them
	// again from there.
	Programs bool
}

// FirstMark is between the name of a node binary in the cache and a hash in the name
// of what clusters begin with that was made by it.
const FirstMark = ".first-"

// ProbePrefix begins the names of directories in the cache in which it is proved that
// memory can be mapped here.
const ProbePrefix = "probe-"

// Pruned is one thing that Prune removed, or would.
type Pruned struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"` // that it took on disk
}

// Prune removes from the cache what neither this axolotl nor a cluster needs:
// images, programs and installed Debians of other releases, and what builds
// and proofs left behind that were killed. What another process is building stays. With
// dryRun nothing is removed. Lock files stay: to remove one would let two
// processes hold it.
func Prune(home store.Home, used InUse, dryRun bool) ([]Pruned, error) {
	keep, err := kept(home, used)
	if err != nil {
		return nil, err
	}
	pruned := []Pruned{}
	for _, dir := range []string{imagesDir(home), binDir(home), filepath.Dir(basePath(home))} {
		names, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return pruned, err
		}
		for _, name := range names {
			path := filepath.Join(dir, name.Name())
			entry, unfinished := strings.CutSuffix(path, ".building")
			entry = strings.TrimSuffix(entry, ".digest.json")
			lock := entry + ".lock"
			entry, _, _ = strings.Cut(entry, FirstMark)
			needed := keep[entry] || dir == binDir(home) && used.Programs
			if strings.HasSuffix(path, ".lock") || needed && !unfinished {
				continue
			}
			removed, err := prune(path, lock, dryRun)
			if err != nil {
				return pruned, err
			}
			if removed != nil {
				pruned = append(pruned, *removed)
			}
		}
	}
	probes, err := abandonedProbes(home)
	for _, path := range probes {
		removed, err := remove(path, dryRun)
		if err != nil {
			return pruned, err
		}
		pruned = append(pruned, *removed)
	}
	return pruned, err
}

// probeAge is more than any proof that memory can be mapped takes, by far.
const probeAge = time.Hour

// abandonedProbes are what proofs have left that were killed. They have no lock: one
// that runs is told by its age.
func abandonedProbes(home store.Home) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(home.Cache, ProbePrefix+"*"))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || time.Since(info.ModTime()) < probeAge
	}), nil
}

// prune removes one path under its lock; nil means that somebody holds that.
func prune(path, lockPath string, dryRun bool) (*Pruned, error) {
	lock, err := store.TryLock(lockPath)
	if locked := (*store.LockedError)(nil); errors.As(err, &locked) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	return remove(path, dryRun)
}

func remove(path string, dryRun bool) (*Pruned, error) {
	bytes, err := store.DiskUsage(path)
	if err != nil {
		return nil, err
	}
	if !dryRun {
		if err := os.RemoveAll(path); err != nil {
			return nil, fmt.Errorf("remove %s: %w; remove it by hand", path, err)
		}
	}
	return &Pruned{Path: path, Bytes: bytes}, nil
}

// kept are the paths that Prune leaves alone.
func kept(home store.Home, used InUse) (map[string]bool, error) {
	id, err := ID()
	if err != nil {
		return nil, err
	}
	keep := map[string]bool{imageDir(home, id): true, basePath(home): true}
	for _, id := range used.Images {
		keep[imageDir(home, id)] = true
	}
	programs := append(slices.Collect(maps.Values(nodePrograms)), Kwok, Etcdutl)
	for _, c := range containers {
		if c.program.Name != "" {
			programs = append(programs, c.program)
		}
	}
	for _, extra := range Extras {
		programs = append(programs, extra.Program)
	}
	for _, program := range programs {
		path, err := program.Path(home)
		if err != nil {
			return nil, err
		}
		keep[filepath.Dir(path)] = true
	}
	return keep, nil
}

func binDir(home store.Home) string { return filepath.Join(home.Cache, "bin") }
