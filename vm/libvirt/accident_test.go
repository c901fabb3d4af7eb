package libvirt

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"axolotl/vm/cluster"
)

// work is a command that may go wrong at any call of libvirt.
type work struct {
	// before makes what is there when it begins.
	before func(*world)
	// run is the command, as often as it is given.
	run func(*world) error
	// lost: no record names what there is, and who is not told of it by libvirt
	// does not know of it.
	lost bool
	// again comes after run, however that ended; nil: run, where it failed.
	again func(*world) error
}

// everyCall has a work go wrong at each of its calls of libvirt, in each way,
// from the same beginning. It must say so, leave no domain that no record
// names, and, run again, end as it ends where nothing goes wrong; the host is
// left to after. One world serves all: paths and so overlays stay the same.
func (k work) everyCall(t *testing.T, w *world, after func(*world)) {
	t.Helper()
	begin := func() {
		w.endBalancers()
		w.fake.domains = map[string]*fakeDomain{}
		w.must(os.RemoveAll(w.home.State))
		w.must(os.RemoveAll(w.farDir()))
		w.fake.arm(0, "")
		if k.before != nil {
			k.before(w)
		}
	}
	again := k.again
	if again == nil {
		again = k.run
	}
	begin()
	w.fake.arm(0, "")
	w.must(k.run(w))
	calls := len(w.fake.calls)
	if calls == 0 {
		t.Fatal("it makes no calls")
	}
	if k.again != nil {
		w.must(again(w))
	}
	clean := w.look()
	for n := 1; n <= calls; n++ {
		for _, how := range []accident{fails, dies} {
			begin()
			w.fake.arm(n, how)
			err := k.run(w)
			if len(w.fake.calls) < n {
				continue // machines are made side by side; it took fewer this time
			}
			what := fmt.Sprintf("call %d of %d, %q, %s", n, calls, w.fake.calls[n-1], how)
			var missing *cluster.NotFoundError
			if unknown := k.lost && n == 1 && errors.As(err, &missing); !unknown && !errors.Is(err, errRefused) && !errors.Is(err, errKilled) {
				t.Errorf("%s: error %v", what, err)
			}
			if lost := w.unknown(); len(lost) > 0 && !k.lost {
				t.Errorf("%s: no record names %v", what, lost)
			}
			w.fake.arm(0, "")
			if err := again(w); err != nil {
				t.Errorf("%s: then again: %v", what, err)
			} else if other := differ(clean, w.look()); len(other) > 0 {
				t.Errorf("%s: then again, it does not end as where nothing goes wrong:\n%s", what, strings.Join(other, "\n"))
			}
			if after != nil {
				after(w)
			}
		}
	}
}
