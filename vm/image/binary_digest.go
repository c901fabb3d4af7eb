package image

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"axolotl/internal/store"
)

// digest is what is noted beside a built file.
type digest struct {
	SHA256  string    `json:"sha256"`
	Size    int64     `json:"size"` // bytes
	ModTime time.Time `json:"modTime"`
	Sparse  bool      `json:"sparse,omitempty"` // the hash leaves out zeros
}

func digestPath(path string) string { return path + ".digest.json" }

// noteDigest makes a new file durable and notes its digest beside it, for
// everybody who may run it.
func noteDigest(path string) error {
	noted, err := measure(path, false)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(noted, "", "  ")
	if err != nil {
		return err
	}
	return store.WriteFile(digestPath(path), append(data, '\n'), 0o644)
}

// checkDigest returns nil where the file is the one that was noted beside it.
// The error is fs.ErrNotExist where the file or its note is missing.
func checkDigest(path string) error {
	var noted digest
	if err := store.ReadJSON(digestPath(path), &noted); err != nil {
		return err
	}
	return noted.check(path, false)
}

// measure makes a new file durable and returns its digest.
func measure(path string, sparse bool) (digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return digest{}, err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return digest{}, err
	}
	sum, err := store.FileSHA256(path, sparse)
	if err != nil {
		return digest{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return digest{}, err
	}
	return digest{SHA256: sum, Size: info.Size(), ModTime: info.ModTime(), Sparse: sparse}, nil
}

// check returns nil where the file at path is the one that was measured. Size
// and modification time suffice; the content is read where the size is right
// and the time is not, as after the cache was copied, and always where full.
func (noted digest) check(path string, full bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() != noted.Size {
		return fmt.Errorf("%s is damaged: %d bytes, built with %d", path, info.Size(), noted.Size)
	}
	if !full && info.ModTime().Equal(noted.ModTime) {
		return nil
	}
	sum, err := store.FileSHA256(path, noted.Sparse)
	if err != nil {
		return err
	}
	if sum != noted.SHA256 {
		return fmt.Errorf("%s is damaged: sha256 %s, built with %s", path, sum, noted.SHA256)
	}
	return nil
}
