package schedule

import (
	"fmt"
	"strings"
	"time"
)

// Dates are a date, or the dates from one to another, with a year or, without
// one, of every year: "2026-12-24", "12-24..01-06".
type Dates struct {
	First, Last time.Time // at midnight UTC; in year 0 where they have none
}

// NOTE: year 0 is a leap year, so that "02-29" can be written.
const (
	fullDate   = "2006-01-02"
	yearlyDate = "01-02"
)

func (d Dates) yearly() bool { return d.First.Year() == 0 }

// contains tells whether the date of an instant, in its zone, is one of them.
func (d Dates) contains(t time.Time) bool {
	year, month, day := t.Date()
	if !d.yearly() {
		date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
		return !date.Before(d.First) && !date.After(d.Last)
	}
	date := time.Date(0, month, day, 0, 0, 0, 0, time.UTC)
	if d.First.After(d.Last) { // over the turn of the year
		return !date.Before(d.First) || !date.After(d.Last)
	}
	return !date.Before(d.First) && !date.After(d.Last)
}

// String is what UnmarshalText reads.
func (d Dates) String() string {
	layout := fullDate
	if d.yearly() {
		layout = yearlyDate
	}
	if d.First.Equal(d.Last) {
		return d.First.Format(layout)
	}
	return d.First.Format(layout) + ".." + d.Last.Format(layout)
}

// MarshalText implements encoding.TextMarshaler.
func (d Dates) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Dates) UnmarshalText(text []byte) error {
	first, last, ranged := strings.Cut(string(text), "..")
	if !ranged {
		last = first
	}
	parse := func(text string) (time.Time, error) {
		if len(text) == len(yearlyDate) { // with a leap year, which year 0 is
			return time.Parse(fullDate, "0000-"+text)
		}
		return time.Parse(fullDate, text)
	}
	var errFirst, errLast error
	d.First, errFirst = parse(first)
	d.Last, errLast = parse(last)
	switch {
	case errFirst != nil || errLast != nil || len(first) != len(last):
		return fmt.Errorf(`want a date such as 2026-12-24 or 12-24, or two as 12-24..01-06, found %q`, text)
	case !d.yearly() && d.Last.Before(d.First):
		return fmt.Errorf("%s is before %s", last, first)
	}
	return nil
}
