package schedule

import (
	"fmt"
	"strings"
	"time"

	"axolotl/chaos"
	"axolotl/internal/strictyaml"
)

// Concurrency says what happens to a firing while another run is at work on
// the same cluster.
type Concurrency string

// The values of Concurrency.
const (
	Forbid Concurrency = "forbid" // it is skipped; the default
	Queue  Concurrency = "queue"  // it waits, as long as its starting deadline allows
)

// Values are what a file may say.
func (Concurrency) Values() []string { return []string{string(Forbid), string(Queue)} }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Concurrency) UnmarshalText(text []byte) error {
	return strictyaml.SetWord(c, "unknown word", text)
}

// RecreateAfter says after which runs a cluster is recreated.
type RecreateAfter string

// The values of RecreateAfter.
const (
	Never       RecreateAfter = "never"      // the default
	IfNotHealed RecreateAfter = "not-healed" // after not-healed and undo-failed
	Always      RecreateAfter = "always"
)

// Values are what a file may say.
func (RecreateAfter) Values() []string {
	return []string{string(Never), string(IfNotHealed), string(Always)}
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *RecreateAfter) UnmarshalText(text []byte) error {
	return strictyaml.SetWord(r, "unknown word", text)
}

// Event is a verdict, or what became of a firing that was not run.
type Event string

// The events that are no verdicts.
const (
	Missed      Event = "missed"
	SkippedTime Event = "skipped-firing"
	Failed      Event = "failed" // it was due, and could not be run
)

// Values are what a file may say.
func (Event) Values() []string {
	words := []string{string(Missed), string(SkippedTime), string(Failed)}
	for _, v := range chaos.Verdicts() {
		words = append(words, string(v))
	}
	return words
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *Event) UnmarshalText(text []byte) error { return strictyaml.SetWord(e, "unknown word", text) }

// Duration is a time.Duration that is written as Go writes them ("90m") in
// every form of a schedule. A file has none that is not positive.
type Duration time.Duration

// Std is the same as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String is "1h30m", without the parts that are zero at the end.
func (d Duration) String() string {
	text := d.Std().String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil || parsed <= 0 {
		return fmt.Errorf(`want a duration such as "30s" or "2m", found %q`, text)
	}
	*d = Duration(parsed)
	return nil
}
