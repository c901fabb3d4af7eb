package fault

func newControllerManagerDown() Fault {
	return unit("controller-manager-down", "kube-controller-manager.service", "nothing is replaced any more; what runs goes on", onControlPlane)
}
