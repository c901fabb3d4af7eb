package term

import (
	"bytes"
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	value := map[string]any{"name": "a", "nodes": []string{}}
	tests := map[string]string{
		"json":  "{\n  \"name\": \"a\",\n  \"nodes\": []\n}\n",
		"yaml":  "name: a\nnodes: []\n",
		"table": "a table",
	}
	for name, want := range tests {
		var format Format
		var out bytes.Buffer
		if err := format.Set(name); err != nil {
			t.Fatal(err)
		}
		err := format.Print(&out, value, func() error { out.WriteString("a table"); return nil })
		if err != nil || out.String() != want {
			t.Errorf("%s: %q, %v", name, out.String(), err)
		}
	}
	format := FormatTable
	if err := format.Set("xml"); err == nil || !strings.Contains(err.Error(), "use table, json or yaml") || format != FormatTable {
		t.Errorf("xml: %v, format %s", err, format)
	}
}

// A cell cannot break out of its row, nor reach the terminal.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	rows := [][]string{{"a", "one\ntwo\tthree"}, {"longer", "\x1b[2J"}}
	if err := Table(&out, []string{"NAME", "NOTE"}, rows); err != nil {
		t.Fatal(err)
	}
	const want = "NAME     NOTE\na        one two three\nlonger   \\x1b[2J\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
