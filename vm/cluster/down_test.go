package cluster

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axolotl/internal/disktest"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// salvager is a driver that says of a damaged cluster what it is told to.
type salvager struct {
	vm.Driver
	name string
	id   string
	err  error
	down []string // IDs of the clusters that were taken down
}

func (s *salvager) Name() string { return s.name }

func (s *salvager) Salvage(context.Context, string, string) (string, error) { return s.id, s.err }

func (s *salvager) Down(c *vm.Cluster) []vm.Action {
	return []vm.Action{{Name: "Remove it", Run: func(context.Context, *term.Step) error {
		s.down = append(s.down, c.ID)
		return nil
	}}}
}

func TestDownOfADamagedRecord(t *testing.T) {
	unreachable := errors.New("no libvirt here")
	tests := map[string]struct {
		first, second salvager
		begun         bool // there are files beside the record
		down          string
		fails         bool
	}{
		"nobody's":                     {begun: true},
		"of the first":                 {first: salvager{id: "1"}, begun: true, down: "1"},
		"of the other, the first mute": {first: salvager{err: unreachable}, second: salvager{id: "2"}, begun: true, down: "2"},
		"perhaps of the mute one":      {first: salvager{err: unreachable}, begun: true, fails: true},
		"not begun":                    {first: salvager{err: unreachable}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := Store{Home: store.Home{State: t.TempDir()}}
			dir := s.Home.Cluster("c")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if test.begun {
				for _, file := range []string{vm.RecordFile, "disk"} {
					if err := os.WriteFile(filepath.Join(dir, file), []byte("{"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			test.first.name, test.second.name = "first", "second"
			progress := term.NewProgress(io.Discard, true)
			err := s.Down(t.Context(), "c", DownOptions{Salvage: []vm.Driver{&test.first, &test.second}}, progress)
			if (err != nil) != test.fails || (test.fails && !strings.Contains(err.Error(), "with driver first: no libvirt here")) {
				t.Errorf("error %v", err)
			}
			if got := strings.Join(append(test.first.down, test.second.down...), " "); got != test.down {
				t.Errorf("taken down: %q, want %q", got, test.down)
			}
			left, err := os.ReadDir(s.Home.Clusters())
			if want := map[bool]int{true: 2}[test.fails]; err != nil || len(left) != want {
				t.Errorf("left are %v, %v", left, err)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"a", "a-1", strings.Repeat("a", maxName)} {
		if err := ValidateName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "-a", "a-", "A", "a.b", "a/b", "..", "ä", "a b", strings.Repeat("a", maxName+1)} {
		var wrong *NameError
		if err := ValidateName(name); !errors.As(err, &wrong) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// FAULTS.md 14: what makes room on a full disk needs none.
func TestDownOnAFullDisk(t *testing.T) {
	disk := disktest.Small(t)
	s := Store{Home: store.Home{State: disk, Cache: t.TempDir()}}
	c := &vm.Cluster{Name: "c", ID: "1", Driver: "first", Phase: vm.PhaseUp, Dir: s.Home.Cluster("c")}
	if err := errors.Join(os.MkdirAll(c.Dir, 0o755), s.Save(c), disktest.Fill(c.Path("disk"))); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(c); err == nil {
		t.Fatal("the disk is not full")
	}
	driver := &removing{salvager{name: "first"}}
	open := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
	if err := s.Down(t.Context(), "c", DownOptions{Open: open}, term.NewProgress(io.Discard, true)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its directory: %v", err)
	}
}

// removing is a driver of clusters that it has made itself.
type removing struct{ salvager }

func (*removing) Traits() vm.Traits { return vm.Traits{} }
