package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Member is one of several members of etcd.
type Member struct {
	Name    string // the node's
	PeerURL string // by which its like know it
	Data    string // its directory
}

// Divide makes the directories of all members of an etcd that begins with what
// First has left of an only one in data. They know each other from there: an etcd
// that has data heeds none of the flags by which one begins. etcdutl is the path
// of that program.
func Divide(ctx context.Context, etcdutl, data string, members []Member) error {
	var all []string
	for _, m := range members {
		all = append(all, m.Name+"="+m.PeerURL)
	}
	for _, m := range members {
		cmd := exec.CommandContext(ctx, etcdutl, "snapshot", "restore", filepath.Join(data, "member", "snap", "db"),
			"--skip-hash-check", // is of what a server hands out, not of its own file
			"--name="+m.Name, "--data-dir="+m.Data,
			"--initial-cluster="+strings.Join(all, ","), "--initial-advertise-peer-urls="+m.PeerURL)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("etcd of %s: %s snapshot restore: %w: %s", m.Name, etcdutl, err, bytes.TrimSpace(out))
		}
		if err := trim(m.Data); err != nil {
			return err
		}
	}
	return nil
}
