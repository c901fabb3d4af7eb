package local

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
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

// Process is one process of some cluster.
type Process struct {
	PID       int
	Cluster   string // ID
	Dir       string // of the cluster
	Component string // "etcd", "kube-apiserver", …
}

// Processes returns the processes of the cluster with this ID.
func Processes(cluster string) ([]Process, error) { return findProcesses(ofCluster(cluster)) }

func ofCluster(id string) func(Process) bool {
	return func(p Process) bool { return p.Cluster == id }
}

func supervisorOf(id string) func(Process) bool {
	return func(p Process) bool { return p.Cluster == id && p.Component == supervisorName }
}

// environ is what marks a process as one of a cluster.
func (o *orders) environ(component string) []string {
	return []string{clusterVariable + "=" + o.Cluster.ID, dirVariable + "=" + o.Dir, componentVariable + "=" + component}
}

// findProcesses returns the processes of all clusters that match. Processes of
// other users, whose environment we may not see, are not ours. Neither is a
// zombie, which has none: it is dead.
func findProcesses(match func(Process) bool) ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []Process
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
func readProcess(pid int) (p Process, ok bool) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return Process{}, false
	}
	p.PID = pid
	for variable := range bytes.SplitSeq(data, []byte{0}) {
		name, value, _ := bytes.Cut(variable, []byte{'='})
		switch string(name) {
		case clusterVariable:
			p.Cluster = string(value)
		case dirVariable:
			p.Dir = string(value)
		case componentVariable:
			p.Component = string(value)
		}
	}
	return p, p.Cluster != "" && p.Component != ""
}
