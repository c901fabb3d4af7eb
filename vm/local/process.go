package local

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// What a process of ours is, it says itself: these variables are in its
// environment, which only its starter can set. A file of PIDs would be stale
// after a kill at the wrong moment, and would name strangers once a PID was
// used again; this is neither.
const (
	clusterVariable   = "AXOLOTL_LOCAL_CLUSTER" // the cluster's ID
	dirVariable       = "AXOLOTL_LOCAL_DIR"     // the cluster's directory
	componentVariable = "AXOLOTL_LOCAL_COMPONENT"
)

// supervisorName is the component that starts the others.
const supervisorName = "supervisor"

// process is one process of some cluster.
type process struct {
	pid       int
	cluster   string
	dir       string
	component string
}

// environ is what marks a process as one of a cluster.
func (o *orders) environ(component string) []string {
	return []string{clusterVariable + "=" + o.Cluster.ID, dirVariable + "=" + o.Dir, componentVariable + "=" + component}
}

// findProcesses returns the processes of all clusters that match. Processes of
// other users, whose environment we may not see, are not ours. Neither is a
// zombie, which has none: it is dead.
func findProcesses(match func(process) bool) ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok && match(p) {
			found = append(found, p)
		}
	}
	return found, nil
}

// readProcess reads who a process says it is; ok is false where it is not one
// of ours, or gone.
func readProcess(pid int) (p process, ok bool) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return process{}, false
	}
	p.pid = pid
	for variable := range bytes.SplitSeq(data, []byte{0}) {
		name, value, _ := bytes.Cut(variable, []byte{'='})
		switch string(name) {
		case clusterVariable:
			p.cluster = string(value)
		case dirVariable:
			p.dir = string(value)
		case componentVariable:
			p.component = string(value)
		}
	}
	return p, p.cluster != "" && p.component != ""
}

// signal sends a signal to the process, and to no other: the handle that
// os.FindProcess opens stays with one process even when its PID is used again,
// and only once it is open do we look who has the PID. One that is gone is
// success.
func (p process) signal(sig syscall.Signal) error {
	handle, err := os.FindProcess(p.pid)
	if err != nil {
		return nil //nolint:nilerr // there is no such process any more
	}
	defer handle.Release() //nolint:errcheck // nothing was changed
	if now, ok := readProcess(p.pid); !ok || now != p {
		return nil
	}
	if err := handle.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
