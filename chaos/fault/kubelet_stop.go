package fault

func newKubeletStop() Fault {
	return unit("kubelet-stop", "kubelet.service", "the node is not heard of, and its pods go on running", Effect{On: OnNodes, Takes: TakesContact})
}
