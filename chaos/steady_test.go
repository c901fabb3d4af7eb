package chaos

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"axolotl/internal/kube"
)

// away is a way to an API server that is closed for a time.
type away struct {
	http.RoundTripper
	until time.Time
}

func (a away) RoundTrip(q *http.Request) (*http.Response, error) {
	if time.Now().Before(a.until) {
		return nil, syscall.ECONNREFUSED
	}
	return a.RoundTripper.RoundTrip(q)
}

// TestAPIServerThatIsAwayIsNoRefusal: what was not seen is not unsteady, however
// long it takes to be seen.
func TestAPIServerThatIsAwayIsNoRefusal(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	standing(t, h, "away", 2, nil)
	e := deletion(t)
	e.Target = Target{Namespace: "away", Deployment: "pingapp", Count: 1}
	x := runner(t, h).newRun(e)
	config := rest.CopyConfig(h.Kube.Config)
	config.Wrap(func(way http.RoundTripper) http.RoundTripper {
		return away{way, time.Now().Add(existingSettleWithin + 3*time.Second)}
	})
	var err error
	if x.kube, err = kube.New(config); err != nil {
		t.Fatal(err)
	}
	if err := x.settle(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
