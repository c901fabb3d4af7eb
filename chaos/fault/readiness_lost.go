package fault

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
			Does:   "drops what pods' own nodes send them, so that their HTTP and TCP probes fail; clients are let through. Pods with a liveness probe are restarted",
			Needs:  "pods with a readiness probe, in machines that commands can be run in (libvirt)",
			Proved: "the pod's address, which answered its node before, does not answer it",
			Undone: "the packet filter's table is removed; the kernel says that it is gone",
		},
		effect: Effect{On: OnPods, Takes: TakesPods},
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
