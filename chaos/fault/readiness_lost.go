package fault

import (
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// newReadinessLost keeps the kubelet from asking a pod whether it is ready. The
// kubelet's requests begin on the node itself (hook output); what clients send
// is forwarded, and goes through.
func newReadinessLost() Fault {
	const (
		table = "table=axolotl_probe_$(echo \"$ip\" | tr . _)\n"
		ping  = "busybox ping -c 1 -W 1 \"$ip\" >/dev/null"
	)
	return &guest{
		name: "readiness-lost",
		doc: Doc{
			Does:   "drops what pods' own nodes send them, so that their HTTP, TCP and gRPC probes fail; clients are let through. Pods with a liveness probe are restarted",
			Needs:  "pods with an HTTP, TCP or gRPC readiness probe, in machines that commands can be run in (libvirt)",
			Proved: "the pod's address, which answered its node before, does not answer it",
			Undone: "the packet filter's table is removed; the kernel says that it is gone",
		},
		effect: Effect{On: OnPods, Takes: TakesPods},
		suits:  askedForReadiness,
		commands: commands{
			Was: ping + "\necho answers\n",
			Inject: table + "nft -f - <<EOF\ntable inet $table\ndelete table inet $table\n" +
				"table inet $table {\n  chain output { type filter hook output priority -300; policy accept; ip daddr $ip drop; }\n}\nEOF\n",
			Injected: table + "nft list table inet \"$table\" >/dev/null\nif " + ping + "; then exit 1; fi\necho \"$ip does not answer its node\"\n",
			Undo:     table + "if nft list table inet \"$table\" >/dev/null 2>&1; then nft delete table inet \"$table\"; fi\n",
			Undone:   table + "if nft list table inet \"$table\" >/dev/null 2>&1; then exit 1; fi\necho \"nothing keeps the node from $ip\"\n",
		},
	}
}

// askedForReadiness returns an error where the kubelet does not ask the pod over its
// network whether it is ready: without a probe it always is, and a command is run
// inside.
func askedForReadiness(p *corev1.Pod) error {
	for _, c := range slices.Concat(p.Spec.Containers, p.Spec.InitContainers) {
		if probe := c.ReadinessProbe; probe != nil && (probe.HTTPGet != nil && probe.HTTPGet.Host == "" ||
			probe.TCPSocket != nil && probe.TCPSocket.Host == "" || probe.GRPC != nil) {
			return nil
		}
	}
	return errors.New("it has no HTTP, TCP or gRPC readiness probe to its own address, and so stays ready; choose a pod that has one")
}
