package report

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"
)

func TestWriteJUnit(t *testing.T) {
	var out strings.Builder
	err := WriteJUnit(&out, Suite{Name: "chaos", Started: time.Unix(0, 0).UTC(), Took: time.Second, Cases: []Case{
		{Name: "good", Took: 1500 * time.Millisecond, Output: "bars"},
		{Name: "bad", Failure: "a \x1b[31m <b>", Detail: "line"},
		{Name: "not run", Skipped: "no pods"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var back junitSuites
	if err := xml.Unmarshal([]byte(out.String()), &back); err != nil {
		t.Fatalf("what was written is not XML: %v\n%s", err, out.String())
	}
	s := back.Suites[0]
	if s.Tests != 3 || s.Failures != 1 || s.Skipped != 1 || s.Cases[0].Time != "1.500" || s.Timestamp != "1970-01-01T00:00:00Z" {
		t.Errorf("suite %+v", s)
	}
	if got := s.Cases[1].Failure.Message; got != "a \uFFFD[31m <b>" {
		t.Errorf("message %q", got)
	}
}
