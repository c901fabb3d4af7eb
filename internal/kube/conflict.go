package kube

import (
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
)

// patience is for an object that its controllers write as well, as a Deployment's in
// the middle of a rollout: five seconds in all. Those of client-go give up after a
// third of a second at most, which a busy machine does not keep.
var patience = wait.Backoff{Steps: 10, Duration: 10 * time.Millisecond, Factor: 2, Jitter: 0.1}

// RetryOnConflict does a change of an object, which reads it first, anew where
// somebody else has changed it since it was read.
func RetryOnConflict(change func() error) error { return retry.RetryOnConflict(patience, change) }
