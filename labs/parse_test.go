package labs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestFaults compares the faults of each testdata/NAME.yaml with NAME.faults.
// Run with UPDATE=1 to write them anew, and read what changed.
func TestFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(filepath.Base(file), data)
			if err == nil {
				t.Fatal("no fault was found")
			}
			got, golden := err.Error()+"\n", strings.TrimSuffix(file, ".yaml")+".faults"
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestOpenUnknown(t *testing.T) {
	_, err := Open("first-step")
	if err == nil || !strings.Contains(err.Error(), `did you mean "first-steps"?`) {
		t.Errorf("got %v", err)
	}
}

func TestExpand(t *testing.T) {
	variables := map[string]any{"namespace": "lab-x", "n": int64(3), "list": []any{"a"}}
	for text, want := range map[string]string{
		"-n {{ namespace }} {{n}}":          "-n lab-x 3",
		`go-template='\{{.status.phase}}'`:  "go-template='{{.status.phase}}'",
		"{{ list }}":                        "ERROR variable \"list\" holds a list",
		"{{ later }}":                       "ERROR no variable \"later\" is set yet",
		"{{ namespace":                      "ERROR \"{{ namespace\" has no end",
		"${namespace} $(namespace) {plain}": "${namespace} $(namespace) {plain}",
	} {
		got, err := expandWith(text, variables)
		if err != nil {
			got = "ERROR " + err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestExpandAllLeavesTheOriginal(t *testing.T) {
	original := Action{Patch: &Patch{
		Target: Target{Kind: "Pod", Name: "{{ namespace }}"},
		With:   map[string]any{"a": []any{"{{ namespace }}", int64(1), nil}},
	}}
	expanded, err := expandAll(original, map[string]any{"namespace": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if expanded.Patch.Name != "x" || expanded.Patch.With["a"].([]any)[0] != "x" {
		t.Errorf("not expanded: %+v", expanded.Patch)
	}
	if original.Patch.Name != "{{ namespace }}" || original.Patch.With["a"].([]any)[0] != "{{ namespace }}" {
		t.Errorf("the original changed: %+v", original.Patch)
	}
}

// nasty are values that somebody may write to harm the reader of a file, or the
// terminal that its faults are shown on.
var nasty = []string{
	"99999999999999999999999999", "-9223372036854775809", "0x7fffffffffffffff", "1e400", ".inf", "0o777", "9223372036854775807h",
	`"\e[2J\e]0;owned\a"`, "\x1b[2J", "\u009b31m", "\u202egnp.exe", "a\x00b", "\xff\xfe", "\ufeff", `"\x7f"`,
	"&a [*a, *a]", "*a", "{<<: {a: b}}", "!!binary aGk=", "!!js/function f", "? a\n: b",
	strings.Repeat("[", 500), strings.Repeat("{a: ", 500), strings.Repeat("a", 5000), "\r\n---\r\n...\r\n",
	"{{ namespace", "{{ {{ namespace }} }}", `\{{`, "{{ " + strings.Repeat("x", 300) + " }}",
}

// FuzzParse wants of every file that it is either a lab, which can be shown, or
// faults, which harm no terminal.
func FuzzParse(f *testing.F) {
	var whole []string
	for _, pattern := range []string{"testdata/*.yaml", "catalog/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: no files: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
			whole = append(whole, string(data))
		}
	}
	// Each stands where a number, a text, a name, a CEL expression and a list may.
	short := slices.MinFunc(whole[len(whole)-len(CatalogNames()):], func(a, b string) int { return len(a) - len(b) })
	for _, field := range []string{"minutes: ", "timeout: ", "name: ", "en: ", "cel: ", "do:", "- that: ", "apply: "} {
		if !strings.Contains(short, field) {
			f.Fatalf("the shortest lab has no %q", field)
		}
		for _, value := range nasty {
			f.Add([]byte(strings.Replace(short, field, field+value+" ", 1)))
		}
	}
	f.Add([]byte(strings.Repeat("- ", 1000)))
	f.Add([]byte("steps: [{check: [{list: {kind: Pod}, cel: \"" + strings.Repeat("objects.all(p, ", 40) + "true" + strings.Repeat(")", 40) + "\"}]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lab, err := Parse("fuzz.yaml", data)
		if (lab == nil) == (err == nil) {
			t.Fatalf("lab %v, error %v: want one of them", lab, err)
		}
		if err != nil {
			if at := strings.IndexFunc(err.Error(), harmful); at >= 0 {
				t.Errorf("a fault holds the control character %q:\n%q", err.Error()[at], err.Error())
			}
			return
		}
		for i := range lab.Steps {
			for _, language := range []Language{English, Spanish} {
				if strings.TrimSpace(lab.PreviewStep(&lab.Steps[i], language)) == "" {
					t.Errorf("step %q says nothing in %s", lab.Steps[i].Name, language)
				}
			}
		}
	})
}

// harmful tells whether a terminal obeys a character.
func harmful(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
