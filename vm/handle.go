package vm

import "axolotl/internal/kube"

// Handle is a cluster that exists, as labs and faults are given it: its
// record, the driver that made it, and a client with full rights.
type Handle struct {
	Cluster *Cluster
	Driver  Driver
	Kube    *kube.Client
}
