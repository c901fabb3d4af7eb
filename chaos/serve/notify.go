package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"axolotl/chaos/schedule"
)

// Notifier tells messages, beside whatever else goes on: it tries again with
// growing pauses, and never keeps a run waiting.
type Notifier struct {
	Clock   clock.Clock
	Log     *zap.Logger
	Metrics *Metrics

	queue chan delivery
}

// delivery is one message for one receiver.
type delivery struct {
	to      schedule.Notify
	message Message
	id      string // the same for every try, so that a receiver can tell
}

const (
	// queued is how many deliveries may wait; more are lost, and counted.
	queued = 1000
	// senders deliver at once, so that one receiver that does not answer does
	// not hold up all others.
	senders = 4
	// tryFor bounds one try.
	tryFor = 15 * time.Second
)

// tries are the pauses between tries: 1.5 s, 4.5 s, 13.5 s ... and last 6 minutes,
// 9 minutes in all, each up to a tenth longer, so that not all come back at once.
//
// NOTE: no Cap: the pause that would pass it would be the last.
var tries = wait.Backoff{Duration: 1500 * time.Millisecond, Factor: 3, Jitter: 0.1, Steps: 7}

// NewNotifier returns a notifier whose Run delivers.
func NewNotifier(clock clock.Clock, log *zap.Logger, metrics *Metrics) *Notifier {
	return &Notifier{Clock: clock, Log: log, Metrics: metrics, queue: make(chan delivery, queued)}
}

// Tell queues a message for each receiver. It does not wait.
func (n *Notifier) Tell(to []schedule.Notify, m Message) {
	for _, receiver := range to {
		select {
		case n.queue <- delivery{receiver, m, "msg_" + uuid.NewString()}:
		default:
			n.Metrics.lost.Inc()
			n.Log.Error("too many notifications wait; one is lost", zap.String("schedule", m.Schedule), zap.String("event", string(m.Event)))
		}
	}
}

// Run delivers until ctx ends; what waits then is tried once more.
func (n *Notifier) Run(ctx context.Context) {
	done := make(chan struct{})
	for range senders {
		go func() {
			defer func() { done <- struct{}{} }()
			for {
				select {
				case d := <-n.queue:
					n.deliver(ctx, d)
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	for range senders {
		<-done
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryFor) // for all of them
	defer cancel()
	for {
		select {
		case d := <-n.queue:
			if err := n.try(last, d); err != nil {
				n.lose(d, err)
			}
		default:
			return
		}
	}
}

func (n *Notifier) lose(d delivery, err error) {
	n.Metrics.lost.Inc()
	n.Log.Error("a notification reached nobody", zap.String("schedule", d.message.Schedule), zap.String("event", string(d.message.Event)), zap.Error(err))
}

// deliver tries until it is delivered, refused for good, or ctx ends, which
// ends the pauses and not the try that is under way.
func (n *Notifier) deliver(ctx context.Context, d delivery) {
	backoff := tries
	for {
		err := n.try(context.WithoutCancel(ctx), d)
		if err == nil {
			return
		}
		var final *finalError
		if errors.As(err, &final) || backoff.Steps <= 1 || ctx.Err() != nil {
			n.lose(d, err)
			return
		}
		timer := n.Clock.NewTimer(backoff.Step())
		select {
		case <-timer.C():
		case <-ctx.Done(): // one more try, at once
		}
		timer.Stop()
	}
}

// try delivers once. A panic, by whatever a receiver answers, is an error.
func (n *Notifier) try(ctx context.Context, d delivery) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &finalError{fmt.Errorf("panic: %v", p)}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	switch {
	case d.to.Webhook != "":
		return n.webhook(ctx, d)
	case d.to.Slack != "":
		return slack(ctx, d)
	}
	return command(ctx, d)
}

// finalError is one that another try would not change.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// body is the message as webhooks and commands are given it.
func (d delivery) body() ([]byte, error) { return json.Marshal(d.message) }
