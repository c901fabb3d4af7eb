package fault

import (
	"errors"
	"strings"
	"testing"

	"axolotl/internal/strictyaml"
)

// decoded is a fault with settings as a file has them.
func decoded(t *testing.T, name, with string) (Fault, error) {
	t.Helper()
	f, err := New(name)
	must(t, err)
	document := strictyaml.Parse("f.yaml", []byte("with: {"+with+"}\n"))
	var file struct {
		With any `yaml:"with"`
	}
	document.Decode(&file)
	DecodeAt(document, "with", f)
	return f, document.Err()
}

func TestDefaultsAreRight(t *testing.T) {
	for _, f := range All() {
		must(t, Check(f))
	}
}

// What a fault cannot be done with is refused at its setting, and what is just within
// bounds is not.
func TestSettingsAreChecked(t *testing.T) {
	for _, test := range []struct {
		fault, right, wrong string // separated by |
		want                string // of the first that is wrong
	}{
		{"cpu-squeezed", "percent: 1|percent: 99", "percent: 0|percent: 100|percent: -5", "percent: want 1 to 99, found 0"},
		{"memory-squeezed", "percent: 10|percent: 90", "percent: 9|percent: 91", "percent: want 10 to 90, found 9"},
		{"etcd-slow", "percent: 1|percent: 99", "percent: 0|percent: 500", "percent: want 1 to 99, found 0"},
		{"network-corruption", "percent: 1|percent: 100", "percent: 0|percent: 101", "percent: want 1 to 100, found 0"},
		{"network-bandwidth", "kbit: 1", "kbit: 0|kbit: -3", "kbit: want 1 or more, found 0"},
		{"slow-network", "loss: 0|loss: 100|delay: 51ms|delay: 2ms, jitter: 1ms|delay: 1us, loss: 1", "loss: -3|loss: 101", "loss: want 0 to 100, found -3"},
		{"slow-network", "", "delay: 999us|delay: 0s|delay: -5s", "delay: want 1ms or more where no packet is lost, found 999µs"},
		{"slow-network", "jitter: 1ms", "jitter: -5s", "want a duration"},
		{"slow-network", "jitter: 199ms|jitter: 1h, loss: 1", "jitter: 200ms|jitter: 1h", "jitter: want less than the delay, 200ms, by 1ms or more"},
		{"disk-throttled", "iops: 0|bytesPerSecond: 0", "iops: 0, bytesPerSecond: 0", "iops: nothing is held to no limit; set it or bytesPerSecond to more than 0"},
		{"disk-throttled", "iops: 1", "iops: -1", "iops: want 0 or more, found -1"},
		{"disk-throttled", "bytesPerSecond: 1", "bytesPerSecond: -1", "bytesPerSecond: want 0 or more, found -1"},
		{"disk-full", "leaveMiB: 1", "leaveMiB: 0|leaveMiB: -1", "leaveMiB: want 1 or more, found 0"},
		{"memory-pressure", "leaveMiB: 1", "leaveMiB: 0", "leaveMiB: want 1 or more, found 0"},
		{"cpu-pressure", "perCPU: 1", "perCPU: 0", "perCPU: want 1 or more, found 0"},
		{"pod-cpu-pressure", "perCPU: 1", "perCPU: 0", "perCPU: want 1 or more, found 0"},
		{"pod-memory-pressure", "mib: 1", "mib: 0", "mib: want 1 or more, found 0"},
		{"pod-disk-full", "mib: 1", "mib: -7", "mib: want 1 or more, found -7"},
		{"clock-jump", "by: 5s|by: 6s, backward: true", "by: 4999ms|by: -1h", "by: want 5s or more, found 4.999s; less could not be told"},
		{"pod-deletion", "gracePeriod: 1s", "gracePeriod: 1500ms|gracePeriod: -1s", "gracePeriod: want whole seconds, found 1.5s"},
		{"pod-eviction", "gracePeriod: 1s|within: 1ms", "gracePeriod: 10ms|within: -1s", "gracePeriod: want whole seconds, found 10ms"},
		{"node-drain", "timeout: 1s", "timeout: -5s|timeout: 0s", "want a duration"},
		{"node-taint", "key: a", `key: ""`, "key: want a text"},
		{"image-broken", "image: a", `image: ""`, "image: want a text"},
		{"crash-loop", "image: a", `image: ""`, "image: want a text"},
	} {
		for with := range strings.SplitSeq(test.right, "|") {
			if _, err := decoded(t, test.fault, with); err != nil {
				t.Errorf("%s with %s is refused: %v", test.fault, with, err)
			}
		}
		for i, with := range strings.Split(test.wrong, "|") {
			_, err := decoded(t, test.fault, with)
			var faults strictyaml.Faults
			if !errors.As(err, &faults) || len(faults) != 1 || i == 0 && !strings.HasPrefix(faults[0].Message, test.want) {
				t.Errorf("%s with %s: got %v, want %s", test.fault, with, err, test.want)
				continue
			}
			if at := len("with: {") + strings.Index(with, ": ") + len(": "); faults[0].Column != at+1 {
				t.Errorf("%s with %s: the caret is not at the value of the first:\n%v", test.fault, with, err)
			}
		}
	}
}

// Every setting that is wrong is told, of a fault that is in no file.
func TestCheckTellsAll(t *testing.T) {
	f, err := Spec{Name: "disk-throttled", With: []byte(`{"iops":-1,"bytesPerSecond":-2}`)}.Fault()
	must(t, err) // a journal's is taken as it is
	want := "setting of fault disk-throttled: iops: want 0 or more, found -1\nsetting of fault disk-throttled: bytesPerSecond: want 0 or more, found -2"
	if err := Check(f); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
