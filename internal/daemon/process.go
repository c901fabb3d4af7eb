// Package daemon is for processes of ours that outlive the command that started
// them: how they are started, found again and ended, whatever became of whoever
// started them.
package daemon

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// Kind is whose processes they are: one kind never sees another's. What a
// process of ours is, it says itself: variables that begin with "AXOLOTL_" and
// its kind are in its environment, which only its starter can set. A file of
// PIDs would be stale after a kill at the wrong moment, and would name strangers
// once a PID was used again; this is neither.
type Kind string

// Process is one process of some cluster.
type Process struct {
	PID       int
	Cluster   string // ID
	Dir       string // of the cluster
	Component string // "etcd", "kube-apiserver", …
}

// The names of the variables, after the kind.
const (
	clusterSuffix   = "_CLUSTER" // the cluster's ID
	dirSuffix       = "_DIR"     // the cluster's directory
	componentSuffix = "_COMPONENT"
)

// Environ is what marks a process as p. Its PID is not in it.
func (k Kind) Environ(p Process) []string {
	return []string{
		k.variable(clusterSuffix) + "=" + p.Cluster, k.variable(dirSuffix) + "=" + p.Dir,
		k.variable(componentSuffix) + "=" + p.Component,
	}
}

func (k Kind) variable(suffix string) string { return "AXOLOTL_" + string(k) + suffix }

// Of matches the processes of the cluster with this ID.
func Of(cluster string) func(Process) bool {
	return func(p Process) bool { return p.Cluster == cluster }
}

// Component matches one component of the cluster with this ID.
func Component(cluster, name string) func(Process) bool {
	return func(p Process) bool { return p.Cluster == cluster && p.Component == name }
}

// Find returns the processes of all clusters that match. Processes of other
// users, whose environment we may not see, are not ours. Neither is a zombie,
// which has none: it is dead.
func (k Kind) Find(match func(Process) bool) ([]Process, error) {
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
		if p, ok := k.read(pid); ok && match(p) {
			found = append(found, p)
		}
	}
	return found, nil
}

// read reads who a process says it is; ok is false where it is not one of this
// kind, or gone.
func (k Kind) read(pid int) (p Process, ok bool) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return Process{}, false
	}
	p.PID = pid
	for variable := range bytes.SplitSeq(data, []byte{0}) {
		name, value, _ := bytes.Cut(variable, []byte{'='})
		switch string(name) {
		case k.variable(clusterSuffix):
			p.Cluster = string(value)
		case k.variable(dirSuffix):
			p.Dir = string(value)
		case k.variable(componentSuffix):
			p.Component = string(value)
		}
	}
	return p, p.Cluster != "" && p.Component != ""
}
