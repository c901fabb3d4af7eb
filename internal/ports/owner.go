// Package ports knows who has a port of this host.
package ports

import (
	"fmt"

	"github.com/prometheus/procfs"
)

// Owner says which process listens on a TCP port of this host, as far as
// we may see it.
func Owner(port int) string {
	const unknown = "a process that we may not see"
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return unknown
	}
	sockets, err := proc.NetTCP()
	if err != nil {
		return unknown
	}
	const listening = 10 // TCP_LISTEN in the kernel's tcp_states.h
	var wanted string
	for _, socket := range sockets {
		if socket.LocalPort == uint64(port) && socket.St == listening {
			wanted = fmt.Sprintf("socket:[%d]", socket.Inode)
		}
	}
	processes, err := proc.AllProcs()
	if err != nil {
		return unknown
	}
	for _, process := range processes {
		targets, err := process.FileDescriptorTargets()
		if err != nil {
			continue // another user's, or gone
		}
		for _, target := range targets {
			if target == wanted {
				name, _ := process.Comm()
				return fmt.Sprintf("%q (pid %d)", name, process.PID)
			}
		}
	}
	return unknown
}
