package vm

import (
	"context"

	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
)

// Handle is a cluster that exists, as labs and faults are given it: its
// record, the driver that made it, and a client with full rights.
type Handle struct {
	Cluster *Cluster
	Driver  Driver
	Kube    *kube.Client

	// Recreate makes the machines of nodes anew, whatever is left of them, while
	// the others run on, and waits until they are Ready: workers from the golden
	// snapshot that they came from, where there is one, unless cold; of several
	// control planes one. The only one is an error. It may be called again after
	// it was interrupted. Nil: nobody can.
	Recreate func(ctx context.Context, cold bool, nodes ...string) error

	// Restore has the whole cluster back as it was when it was last restored from
	// a snapshot that somebody at work on it keeps. Nil: there is none.
	Restore func(ctx context.Context) error

	// Kubectl returns the path of a program that is kubectl where that is its first
	// argument, and compiles it where it is missing, which takes minutes and is shown.
	// Nil: nobody can.
	Kubectl func(ctx context.Context, progress *term.Progress) (string, error)

	// LoadImages has write make an OCI archive at a path, of what this host has
	// in its cache, and puts the images in it into every machine, which must
	// run. Machines that come later do not have them. It waits while another
	// command is at work on the cluster; of its own calls there is one at a
	// time. Nil: nobody can.
	LoadImages func(ctx context.Context, write func(home store.Home, archive string) error, step *term.Step) error
}
