package incluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// LeaseName is the name of the Lease that the leader holds.
const LeaseName = "axolotl-serve"

// DefaultLease is how long a leader that is not heard of any more is waited
// for.
const DefaultLease = 15 * time.Second

// Election is who of several replicas leads.
type Election struct {
	client    kubernetes.Interface
	namespace string
	identity  string
	lease     time.Duration

	mu      sync.Mutex
	renewed time.Time // when we last said that we lead, and were heard; zero: never
}

// NewElection returns the election in a namespace, for the replica with this
// identity. Its client must not be fenced.
func NewElection(client kubernetes.Interface, namespace, identity string, lease time.Duration) *Election {
	return &Election{client: client, namespace: namespace, identity: identity, lease: lease}
}

// The parts of a lease, as Kubernetes' own components have them: 15 s, of which
// after 10 s without an answer the leader gives up; it tries each 2 s.
func (e *Election) giveUp() time.Duration { return e.lease * 2 / 3 }
func (e *Election) retry() time.Duration  { return e.lease * 2 / 15 }

// ErrLost is the error of a leader that leads no more. The process must end at
// once: whoever leads now undoes what it did.
var ErrLost = errors.New("the lease is lost, so another replica may lead: this process ends without undoing, which the next leader does")

// Run waits until this replica leads, calls lead, and returns its error when it
// has ended: then the lease is given back, so that nobody waits for it. When ctx
// ends lead must end, which it does after its own time; a replica that does not
// lead ends at once. Where the lease is lost meanwhile the error is ErrLost, and
// lead is still at work.
func (e *Election) Run(ctx context.Context, lead func(context.Context) error) error {
	electing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var mu sync.Mutex
	leading, ending := false, false
	ended := make(chan error, 1)
	unwatch := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if ending = true; !leading {
			stop()
		}
	})
	defer unwatch()
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: watched{&resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Name: LeaseName, Namespace: e.namespace},
			Client:     e.client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: e.identity},
		}, e},
		LeaseDuration: e.lease, RenewDeadline: e.giveUp(), RetryPeriod: e.retry(),
		ReleaseOnCancel: true, Name: LeaseName,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) {
				mu.Lock()
				leading = !ending
				began := leading
				mu.Unlock()
				if began {
					ended <- lead(ctx)
				}
				stop()
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	elector.Run(electing)
	mu.Lock()
	led := leading
	mu.Unlock()
	if !led {
		return nil
	}
	select {
	case err := <-ended:
		return err
	default:
		return ErrLost
	}
}

// watched is the lock, of which we note when it was last renewed.
type watched struct {
	resourcelock.Interface
	election *Election
}

// Create implements resourcelock.Interface.
func (w watched) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return w.election.note(r, func() error { return w.Interface.Create(ctx, r) })
}

// Update implements resourcelock.Interface.
func (w watched) Update(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return w.election.note(r, func() error { return w.Interface.Update(ctx, r) })
}

func (e *Election) note(r resourcelock.LeaderElectionRecord, write func() error) error {
	asked := time.Now() // before: the lease counts from when others see it
	if err := write(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.renewed = asked; r.HolderIdentity != e.identity {
		e.renewed = time.Time{} // given back
	}
	return nil
}

// Leads tells whether nobody else can lead: the lease was renewed not so long
// ago that another one may have taken it.
func (e *Election) Leads() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.renewed.IsZero() && time.Since(e.renewed) < e.giveUp()
}

// Fence wraps a transport so that nothing is changed by a process that does not
// lead: one that was stopped in the middle of a run, and goes on when another
// has taken over, finds its requests refused before they are sent.
func (e *Election) Fence(next http.RoundTripper) http.RoundTripper { return fenced{e, next} }

type fenced struct {
	election *Election
	next     http.RoundTripper
}

// errFenced is the error of a request that only the leader may make.
var errFenced = errors.New("this replica does not lead, and changes nothing")

// RoundTrip implements http.RoundTripper.
func (f fenced) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		if !f.election.Leads() {
			if r.Body != nil {
				r.Body.Close()
			}
			return nil, errFenced
		}
	}
	return f.next.RoundTrip(r)
}

// WrappedRoundTripper lets client-go find what is beneath.
func (f fenced) WrappedRoundTripper() http.RoundTripper { return f.next }
