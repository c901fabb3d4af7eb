package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// fileMark is how a file looked when it was sealed. Whoever writes or cuts it
// changes one of the two.
type fileMark struct {
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"`
}

func mark(path string) (fileMark, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileMark{}, err
	}
	return fileMark{Bytes: info.Size(), Modified: info.ModTime().UTC()}, nil
}

// markFiles marks all files below a directory, by their paths in it.
func markFiles(dir string) (map[string]fileMark, error) {
	files := map[string]fileMark{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			files[name], err = mark(path)
		}
		return err
	})
	return files, err
}

// checkSeal returns nil where all files are as they were sealed.
func checkSeal(dir string, files map[string]fileMark) error {
	for name, sealed := range files {
		found, err := mark(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("it is damaged: %w", errors.Unwrap(err))
		}
		if !found.Modified.Equal(sealed.Modified) || found.Bytes != sealed.Bytes {
			return fmt.Errorf("it is damaged: %s was written after it was sealed", name)
		}
	}
	return nil
}
