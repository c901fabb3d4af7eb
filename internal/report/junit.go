// Package report writes results in forms that other tools read. It knows no
// lab and no experiment, only suites and cases.
package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Suite is a set of cases that ran together.
type Suite struct {
	Name    string
	Started time.Time
	Took    time.Duration
	Cases   []Case
}

// Case is one thing that passed, failed or was skipped.
type Case struct {
	Name    string
	Class   string
	Took    time.Duration
	Failure string // why it failed, in a line; empty: it did not
	Skipped string // why it was skipped; empty: it was not
	Detail  string // more about a failure, in lines
	Output  string // what a person may want to read of a case that passed, too
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes suites in the form that CI systems read. Characters that
// XML cannot hold, such as terminal escapes, become U+FFFD.
func WriteJUnit(w io.Writer, suites ...Suite) error {
	var all junitSuites
	for _, s := range suites {
		all.Suites = append(all.Suites, junitOf(s))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitOf(s Suite) junitSuite {
	out := junitSuite{Name: clean(s.Name), Tests: len(s.Cases), Time: seconds(s.Took), Timestamp: s.Started.Format(time.RFC3339)}
	for _, c := range s.Cases {
		jc := junitCase{Name: clean(c.Name), Class: clean(c.Class), Time: seconds(c.Took), Output: clean(c.Output)}
		switch {
		case c.Failure != "":
			out.Failures++
			jc.Failure = &junitMessage{Message: clean(c.Failure), Text: clean(c.Detail)}
		case c.Skipped != "":
			out.Skipped++
			jc.Skipped = &junitMessage{Message: clean(c.Skipped)}
		}
		out.Cases = append(out.Cases, jc)
	}
	return out
}

func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return utf8.RuneError
		}
		return r
	}, text)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
