package labs

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"` // seconds
	Started  string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes results in the form that CI systems read: a suite a lab, a
// case a step. A lab that was skipped, or failed before its first step, has
// one case of its own name.
func WriteJUnit(w io.Writer, results []Result) error {
	var all junitSuites
	for _, result := range results {
		all.Suites = append(all.Suites, suite(result))
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

func suite(result Result) junitSuite {
	s := junitSuite{
		Name: "lab " + result.Lab, Time: seconds(result.Seconds), Started: result.Started.Format("2006-01-02T15:04:05Z07:00"),
	}
	for _, step := range result.Steps {
		s.Cases = append(s.Cases, stepCase(result, step))
	}
	if result.Outcome == Skipped || result.Outcome != Passed && !reached(result) {
		whole := StepResult{Name: result.Lab, Outcome: result.Outcome, Problem: &Problem{Message: result.Reason}}
		s.Cases = append([]junitCase{stepCase(result, whole)}, s.Cases...)
	}
	for _, c := range s.Cases {
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Skipped != nil {
			s.Skipped++
		}
	}
	return s
}

func stepCase(result Result, step StepResult) junitCase {
	c := junitCase{Name: step.Name, Class: "axolotl.lab." + result.Lab, Time: seconds(step.Seconds)}
	switch step.Outcome {
	case Passed:
	case Skipped:
		c.Skipped = &junitMessage{Message: step.Problem.Message}
	case NotReached:
		c.Skipped = &junitMessage{Message: "an earlier step did not pass"}
	default:
		lines := append([]string{"expected: " + step.Problem.Expected}, step.Problem.Seen...)
		for _, evidence := range step.Evidence {
			lines = append(lines, "", string(evidence.Kind)+":", evidence.Text)
		}
		c.Failure = &junitMessage{Message: step.Problem.Message, Text: strings.Join(lines, "\n")}
	}
	return c
}

// reached says whether any step was begun.
func reached(result Result) bool {
	return len(result.Steps) > 0 && result.Steps[0].Outcome != NotReached
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
