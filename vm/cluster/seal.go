package cluster

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"axolotl/internal/store"
)

// fileMark is how a file looked when it was sealed. Whoever writes or cuts it
// changes one of the first two; what a disk loses changes neither.
type fileMark struct {
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"`
	SHA256   string    `json:"sha256,omitempty"` // without its zeros; empty: the content was not read
}

// smallFile is the most that is read at each use, in bytes: credentials and the
// state of devices, which takes milliseconds. Memory and disks are gigabytes.
const smallFile = 1 << 20

// mark reads the file where it is small, or where all are to be read.
func mark(path string, all bool) (fileMark, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileMark{}, err
	}
	m := fileMark{Bytes: info.Size(), Modified: info.ModTime().UTC()}
	if all || m.Bytes <= smallFile {
		m.SHA256, err = store.FileSHA256(path, true)
	}
	return m, err
}

// markFiles marks all files below a directory, by their paths in it. With all,
// it reads also the large ones. They are on disk when it returns: what a record
// vouches for must be there after a power cut, too.
func markFiles(dir string, all bool) (map[string]fileMark, error) {
	files := map[string]fileMark{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = store.Sync(path)
		}
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			files[name], err = mark(path, all)
		}
		return err
	})
	return files, err
}

// checkSeal returns nil where all files are as they were sealed. With all, it
// reads also the large ones.
func checkSeal(dir string, files map[string]fileMark, all bool) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		sealed := files[name]
		found, err := mark(filepath.Join(dir, name), all && sealed.SHA256 != "")
		switch {
		case err != nil: // NOTE: not as fs.ErrNotExist: what misses a file is there
			return fmt.Errorf("it is damaged: %v", err) //nolint:errorlint // see above
		case !found.Modified.Equal(sealed.Modified) || found.Bytes != sealed.Bytes:
			return fmt.Errorf("it is damaged: %s was written after it was sealed", name)
		case found.SHA256 != sealed.SHA256 && found.SHA256 != "" && sealed.SHA256 != "":
			return fmt.Errorf("it is damaged: %s does not hold any more what was sealed", name)
		}
	}
	return nil
}
