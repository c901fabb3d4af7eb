package balance

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"
)

// watch asks one server again and again whether it can serve, until ctx ends.
func (b *Balancer) watch(ctx context.Context, one *backend) {
	for {
		answer, cancel := context.WithTimeout(ctx, b.pace.Answer)
		ready, answered := one.Check(answer)
		cancel()
		if ctx.Err() != nil {
			return
		}
		b.note(one, ready, answered, time.Now())
		pause := b.pace.Unready
		if ready {
			pause = b.pace.Ready
		}
		select {
		case <-ctx.Done():
			return
		case <-one.news:
		case <-time.After(pause):
		}
	}
}

// note takes in what a server has said. One that has not been ready for long,
// while another one is, loses its connections: their clients find the other one
// at once, and would wait for this one until their own patience ends.
func (b *Balancer) note(one *backend, ready, answered bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ready != one.ready {
		b.log.Info("has changed", zap.String("server", one.Name), zap.Bool("ready", ready), zap.Bool("answers", answered))
	}
	one.ready = ready
	if answered {
		one.answered = now
	}
	if ready {
		one.served = now
		close(b.changed)
		b.changed = make(chan struct{})
	}
	another := slices.ContainsFunc(b.backends, func(other *backend) bool { return other.ready })
	if ready || !another || now.Sub(one.served) < b.pace.Patience || len(one.pipes) == 0 {
		return
	}
	b.log.Warn("is not ready for long; its connections are cut", zap.String("server", one.Name), zap.Int("connections", len(one.pipes)))
	for p := range one.pipes {
		p.cut()
	}
}
