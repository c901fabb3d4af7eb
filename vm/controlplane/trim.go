package controlplane

import (
	"bytes"
	"os"
	"path/filepath"
)

// page is more than a record of etcd's log is padded to.
const page = 4096

// trim cuts off what etcd has allocated ahead in its logs: 64 MB of zeros, to
// carry into a machine. etcd reads a log to its end or to the first zero,
// whichever comes first, and allocates anew.
func trim(data string) error {
	logs, err := filepath.Glob(filepath.Join(data, "member", "wal", "*.wal"))
	if err != nil {
		return err
	}
	for _, log := range logs {
		content, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		used := (len(bytes.TrimRight(content, "\x00")) + page - 1) / page * page
		if used < len(content) {
			if err := os.Truncate(log, int64(used)); err != nil {
				return err
			}
		}
	}
	// Logs that are made ahead hold nothing.
	ahead, err := filepath.Glob(filepath.Join(data, "member", "wal", "*.tmp"))
	if err != nil {
		return err
	}
	for _, file := range ahead {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}
