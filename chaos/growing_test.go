package chaos

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"axolotl/chaos/fault"
	"axolotl/chaos/history"
	"axolotl/chaos/timeline"
	"axolotl/vm"
)

// logged are the lines of the process's log from here on. Tests that look at it run
// alone.
func logged(t *testing.T) *observer.ObservedLogs {
	core, logs := observer.New(zap.DebugLevel)
	t.Cleanup(zap.ReplaceGlobals(zap.New(core)))
	return logs
}

// recorder records as its function says, and tells how often it was asked.
type recorder struct {
	record func() error
	asked  chan struct{}
}

func (r recorder) BeginRun(context.Context, history.Run) error {
	r.asked <- struct{}{}
	return r.record()
}

func (recorder) EndRun(context.Context, history.Run, []byte) error { return nil }

// What is seen and cannot be recorded is no end of a run, but nobody is kept in the dark
// about it: a history that fails is told of once, a bug each time.
func TestWhatCannotBeRecordedIsLogged(t *testing.T) {
	for name, record := range map[string]func() error{
		"it fails":  func() error { return errors.New("the disk is full") },
		"it panics": func() error { panic("a slip of ours") },
	} {
		t.Run(name, func(t *testing.T) {
			logs := logged(t)
			history := recorder{record, make(chan struct{})}
			x := breaking(t, &switched{}, &fault.NodeCordon{})
			x.history = history
			stop := x.growing(t.Context())
			for range map[string]int{"it fails": 2, "it panics": 1}[name] {
				x.log.Add(timeline.Observation{Answer: &timeline.Answer{}})
				<-history.asked
			}
			stop()
			if logs.Len() != 1 {
				t.Errorf("logged: %+v", logs.All())
			}
		})
	}
}

// A driver that cannot tell of machines is asked, and why it cannot is logged once.
func TestADriverThatCannotTellIsLoggedOnce(t *testing.T) {
	logs := logged(t)
	d := &silent{asked: make(chan struct{})}
	m := &machines{driver: d, cluster: &vm.Cluster{}, log: timeline.NewLog(time.Now)}
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { m.follow(ctx) })
	for range 2 {
		<-d.asked
	}
	stop()
	following.Wait()
	if logs.Len() != 1 {
		t.Errorf("logged: %+v", logs.All())
	}
}

// silent tells nothing of machines by itself.
type silent struct {
	switched
	asked chan struct{}
}

func (d *silent) Watch(context.Context, *vm.Cluster) (<-chan vm.MachineStatus, error) {
	d.asked <- struct{}{}
	return nil, errors.New("no events")
}
