package fault

func newContainerdStop() Fault {
	return unit("containerd-stop", "containerd.service", "no container can be started or stopped there; what runs goes on", Effect{On: OnNodes, Takes: TakesContact})
}
