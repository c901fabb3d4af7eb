package term

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Where there is no terminal, each step is one plain line, when it ends.
func TestPlainProgress(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, false)
	failed := errors.New("no")
	err := p.Do("Make it", func(step *Step) error {
		step.Status("never shown")
		if out.Len() > 0 {
			t.Errorf("printed before the step has ended: %q", out.String())
		}
		step.Progress().Line("a word\x1b[2J in between")
		return step.Progress().Do("Part of it", func(*Step) error { return failed })
	})
	if !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	if err := p.Do("Mend it", func(*Step) error { return nil }); err != nil {
		t.Errorf("error %v", err)
	}
	want := regexp.MustCompile(`^a word\\x1b\[2J in between
 ✗ Part of it +0\.\d\d s
 ✗ Make it +0\.\d\d s
 ✓ Mend it +0\.\d\d s
$`)
	if !want.MatchString(out.String()) {
		t.Errorf("printed\n%s", out.String())
	}
}

// A step that lasts is told before it ends, where there is no terminal.
func TestLastingStep(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, false)
	var pass []func() // ten seconds
	p.after = func(d time.Duration, f func()) *time.Timer {
		if d != lasting {
			t.Errorf("it is waited for %s", d)
		}
		pass = append(pass, f)
		return time.NewTimer(time.Hour)
	}
	s := p.Start("Boot the machines")
	p.Start("Look").Done(nil)
	for _, f := range pass {
		f()
	}
	s.Done(nil)
	want := regexp.MustCompile(`^ ✓ Look .*
 … Boot the machines
 ✓ Boot the machines .*
$`)
	if !want.MatchString(out.String()) {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestQuietProgress(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, true)
	ran := false
	_ = p.Do("step", func(*Step) error { p.Line("line"); ran = true; return nil })
	if !ran || out.Len() > 0 {
		t.Errorf("ran %t, printed %q", ran, out.String())
	}
}

func TestProgressOfManyAtOnce(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, false)
	var group sync.WaitGroup
	const many = 20
	for range many {
		group.Go(func() {
			_ = p.Do("step", func(s *Step) error { s.Status("at work"); return nil })
		})
	}
	group.Wait()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != many {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, " ✓ step ") || !strings.HasSuffix(line, " s") {
			t.Errorf("line %q", line)
		}
	}
}

func TestSeconds(t *testing.T) {
	tests := map[time.Duration]string{
		0:                                 "0.00 s",
		340 * time.Millisecond:            "0.34 s",
		12300 * time.Millisecond:          "12.3 s",
		125 * time.Second:                 "2 m 05 s",
		9996 * time.Millisecond:           "10.0 s",
		99960 * time.Millisecond:          "1 m 40 s",
		119700 * time.Millisecond:         "2 m 00 s",
		time.Hour + 1900*time.Millisecond: "60 m 02 s",
	}
	for d, want := range tests {
		if got := Seconds(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
