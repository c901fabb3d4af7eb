package fault

func newSchedulerDown() Fault {
	return unit("scheduler-down", "kube-scheduler.service", "no new pod gets a node; what runs goes on", onControlPlane)
}
