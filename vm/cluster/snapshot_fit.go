package cluster

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/kubeadm"
)

// fittingSnapshot returns one of a cluster's snapshots that can be restored here and
// now. It is asked before anything gives way, and by whoever completes that: another
// build, perhaps, or on a disk that is full by now.
func (s Store) fittingSnapshot(c *vm.Cluster, saver vm.Saver, name string) (*Snapshot, error) {
	shot, err := s.snapshot(c, name)
	if err != nil {
		return nil, err
	}
	if shot.Hardware != saver.Hardware() {
		return nil, fmt.Errorf("snapshot %q of cluster %q was saved by another build of axolotl, whose machines have other hardware: what runs in them would fail here; restore it with that build, or delete it ('axolotl snapshot delete %s %s')",
			name, c.Name, c.Name, name)
	}
	err = saver.Fits(&shot.Cluster, shot.dir)
	if err == nil {
		err = checkCredentials(shot.dir, time.Now())
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot %q of cluster %q cannot be restored: %w; delete it ('axolotl snapshot delete %s %s')", name, c.Name, err, c.Name, name)
	}
	return shot, hasRoom(c, saver, shot)
}

// hasRoom returns an error where the disk has not as much room as is written when a
// snapshot is restored, what gives way for it counted in.
func hasRoom(c *vm.Cluster, saver vm.Saver, shot *Snapshot) error {
	needed, err := saver.LoadBytes(&shot.Cluster, shot.dir)
	if err != nil {
		return err
	}
	free, err := store.FreeBytes(c.Dir)
	if err != nil {
		return err
	}
	way, err := giveWay(c, outliving...)
	if err != nil {
		return err
	}
	for _, path := range way {
		bytes, err := store.DiskUsage(path)
		if err != nil {
			return err
		}
		free += uint64(bytes) //nolint:gosec // no file takes less than nothing
	}
	if free < needed {
		return fmt.Errorf("snapshot %q of cluster %q takes %d MiB when it is restored, and %s has %d MiB for it; free some, or delete another snapshot ('axolotl snapshot list %s' shows them)",
			shot.Name, c.Name, needed>>20, c.Dir, free>>20, c.Name)
	}
	return nil
}

// checkCredentials returns an error where a certificate of what was saved in a
// directory is not valid any more: the machines would run, and not speak to each
// other.
func checkCredentials(dir string, now time.Time) error {
	check := func(path string, data []byte) error {
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if block.Type != "CERTIFICATE" {
				continue
			}
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if now.After(certificate.NotAfter) {
				return fmt.Errorf("the certificate of %q in %s ran out on %s", certificate.Subject.CommonName, path, certificate.NotAfter.Format(time.DateOnly))
			}
		}
		return nil
	}
	read := func(path string) error {
		switch filepath.Ext(path) {
		case ".crt":
			data, err := os.ReadFile(path)
			return errors.Join(err, check(path, data))
		case ".conf":
			config, err := clientcmd.LoadFromFile(path)
			if err != nil {
				return nil //nolint:nilerr // no kubeconfig; that it is what was saved, its seal says
			}
			for _, user := range config.AuthInfos {
				if err := check(path, user.ClientCertificateData); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := read(kubeadm.AdminConf(dir)); err != nil {
		return err
	}
	for _, below := range credentialDirs {
		err := filepath.WalkDir(filepath.Join(dir, below), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
				return err
			}
			return read(path)
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
