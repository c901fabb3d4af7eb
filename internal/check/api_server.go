package check

import (
	"context"
	"time"

	"axolotl/internal/kube"
)

// APIServer holds where the API server says that it is ready.
type APIServer struct{ Client *kube.Client }

// String implements Condition.
func (APIServer) String() string { return "the API server answers" }

// Check implements Condition. One that does not answer for three seconds has
// been looked at.
func (a APIServer) Check(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	err := a.Client.Ready(limited)
	if err != nil && ctx.Err() == nil {
		return &Unmet{Expected: a.String(), Seen: []string{shorten(err.Error())}}
	}
	return err
}
