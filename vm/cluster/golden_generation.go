package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"axolotl/internal/store"
)

// The disks of clusters lie over those of their golden snapshot, which must not
// change under them. So one that is too old or damaged is, while clusters lie over
// it, made anew under another ID: "SHAPE", then "SHAPE-2", "SHAPE-3". These are the
// generations of a shape. One lock and one build at a time are for all of them.

func generation(shape string, number int) string {
	if number == 1 {
		return shape
	}
	return fmt.Sprintf("%s-%d", shape, number)
}

func shapeOf(id string) string {
	shape, _, _ := strings.Cut(id, "-")
	return shape
}

// goldenLock is the file of the lock of a golden snapshot, by its ID or its shape.
func (s Store) goldenLock(id string) string { return s.Home.Golden(shapeOf(id)) + ".lock" }

// generations are those of a shape that have a directory.
func (s Store) generations(shape string) ([]string, error) {
	entries, err := os.ReadDir(s.Home.Goldens())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []string
	for _, entry := range entries {
		number, after := strings.CutPrefix(entry.Name(), shape+"-")
		if _, err := strconv.Atoi(number); entry.IsDir() && (entry.Name() == shape || after && err == nil) {
			all = append(all, entry.Name())
		}
	}
	return all, nil
}

// usableGolden returns the newest generation of a shape that can be used. Else the
// error says why one cannot, and wraps fs.ErrNotExist where there is none.
func (s Store) usableGolden(shape string, now time.Time) (*Golden, error) {
	ids, err := s.generations(shape)
	if err != nil {
		return nil, err
	}
	var newest *Golden
	why := fs.ErrNotExist
	for _, id := range ids {
		g, err := s.openGolden(id, now)
		switch {
		case err == nil && (newest == nil || g.Created.After(newest.Created)):
			newest = g
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			why = err
		}
	}
	if newest != nil {
		return newest, nil
	}
	return nil, why
}

// freeGeneration is the ID under which a shape is made that has none to be used, and
// the clusters that lie over those that stay for it.
func (s Store) freeGeneration(shape string) (id string, users []string, err error) {
	for number := 1; ; number++ {
		id = generation(shape, number)
		its, err := s.goldenUsers(id)
		if err != nil || len(its) == 0 {
			return id, users, err
		}
		users = append(users, its...)
	}
}

// dropGolden removes a golden snapshot that can be used no more, once no cluster
// lies over it. Another is left alone, as the next cluster may be made of it.
func (s Store) dropGolden(id string) error {
	if id == "" {
		return nil
	}
	return s.ifUnlocked(id, func(id string) error {
		_, err := s.openGolden(id, time.Now())
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if users, err := s.goldenUsers(id); err != nil || len(users) > 0 {
			return err
		}
		return removeGolden(s.Home.Golden(id))
	})
}

// removeGolden removes the record first: what a kill leaves of the rest is none.
func removeGolden(dir string) error {
	if err := store.RemoveFile(filepath.Join(dir, goldenFile)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
