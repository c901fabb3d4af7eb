package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"axolotl/internal/strictyaml"
)

// Span is a part of time that comes again: on these days, on these dates,
// between these hours. What is left out does not narrow it. Its hours may
// reach over midnight; they then belong to the day on which they begin.
type Span struct {
	Days  []Days  `yaml:"days" json:"days,omitempty"`   // of the week, such as mon-fri
	Dates []Dates `yaml:"dates" json:"dates,omitempty"` // such as 12-24 or 12-24..12-26, with or without a year
	From  *Clock  `yaml:"from" json:"from,omitempty"`   // such as 09:00
	To    *Clock  `yaml:"to" json:"to,omitempty"`       // such as 17:30; this minute is not in it any more
}

// Contains tells whether an instant is in the span, in the zone that it is
// given in.
func (s Span) Contains(t time.Time) bool {
	from, to := s.hours()
	at := ClockOf(t)
	if from < to {
		return at >= from && at < to && s.on(t)
	}
	return at >= from && s.on(t) || at < to && s.on(asUTC(t).AddDate(0, 0, -1))
}

// hours are From and To with what was left out: the whole day.
func (s Span) hours() (from, to Clock) {
	to = dayEnd
	if s.From != nil {
		from = *s.From
	}
	if s.To != nil {
		to = *s.To
	}
	return from, to
}

// on tells whether the day of an instant is one of the span's.
func (s Span) on(t time.Time) bool {
	if len(s.Days) > 0 && !slices.ContainsFunc(s.Days, func(d Days) bool { return d.contains(t.Weekday()) }) {
		return false
	}
	return len(s.Dates) == 0 || slices.ContainsFunc(s.Dates, func(d Dates) bool { return d.contains(t) })
}

// String is the span in words.
func (s Span) String() string {
	var words []string
	for _, d := range s.Days {
		words = append(words, d.String())
	}
	for _, d := range s.Dates {
		words = append(words, d.String())
	}
	if s.From != nil || s.To != nil {
		from, to := s.hours()
		words = append(words, from.String()+"-"+to.String())
	}
	return strings.Join(words, " ")
}

// Clock is a time of the day in minutes; 24:00 is its end.
type Clock int

const dayEnd Clock = 24 * 60

// ClockOf is the time of the day of an instant, in its zone.
func ClockOf(t time.Time) Clock { return Clock(t.Hour()*60 + t.Minute()) }

// String is "09:30".
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

// MarshalText implements encoding.TextMarshaler.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Clock) UnmarshalText(text []byte) error {
	if string(text) == dayEnd.String() {
		*c = dayEnd
		return nil
	}
	t, err := time.Parse("15:04", string(text))
	if err != nil || len(text) != len("15:04") {
		return fmt.Errorf(`want a time of the day such as "09:30", found %q`, text)
	}
	*c = ClockOf(t)
	return nil
}

// Days are one day of the week, or several in a row.
type Days struct{ First, Last time.Weekday }

// dayNames are the names of days, as cron has them, in Go's order.
var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (d Days) contains(day time.Weekday) bool {
	if d.First <= d.Last {
		return day >= d.First && day <= d.Last
	}
	return day >= d.First || day <= d.Last
}

// String is "mon" or "mon-fri".
func (d Days) String() string {
	if d.First == d.Last {
		return dayNames[d.First]
	}
	return dayNames[d.First] + "-" + dayNames[d.Last]
}

// MarshalText implements encoding.TextMarshaler.
func (d Days) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Days) UnmarshalText(text []byte) error {
	first, last, ranged := strings.Cut(strings.ToLower(string(text)), "-")
	if !ranged {
		last = first
	}
	for _, part := range []struct {
		name string
		into *time.Weekday
	}{{first, &d.First}, {last, &d.Last}} {
		day := slices.Index(dayNames, part.name)
		if day < 0 {
			return fmt.Errorf("unknown day %q%s; use %s, or several as mon-fri", part.name,
				strictyaml.DidYouMean(part.name, dayNames), strings.Join(dayNames, ", "))
		}
		*part.into = time.Weekday(day)
	}
	return nil
}

// ParseSpan reads a span as String writes it: days, dates and hours in any
// order, "mon-fri 09:00-17:00".
func ParseSpan(text string) (Span, error) {
	var s Span
	for _, word := range strings.Fields(text) {
		var days Days
		var dates Dates
		var from, to Clock
		first, last, _ := strings.Cut(word, "-")
		switch {
		case dates.UnmarshalText([]byte(word)) == nil:
			s.Dates = append(s.Dates, dates)
		case days.UnmarshalText([]byte(word)) == nil:
			s.Days = append(s.Days, days)
		case s.From == nil && from.UnmarshalText([]byte(first)) == nil && to.UnmarshalText([]byte(last)) == nil:
			s.From, s.To = &from, &to
		default:
			return s, fmt.Errorf(`%q in %q is neither days (mon-fri), nor dates (12-24..01-06), nor hours (09:00-17:00)`, word, text)
		}
	}
	return s, nil
}
