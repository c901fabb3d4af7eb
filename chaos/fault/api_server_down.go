package fault

func newAPIServerDown() Fault {
	return unit("api-server-down", "kube-apiserver.service", "nobody can read or change the cluster; what runs goes on", onControlPlane)
}
