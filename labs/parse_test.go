package labs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "catalog/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lab, err := Parse("fuzz.yaml", data)
		if (lab == nil) == (err == nil) {
			t.Errorf("lab %v, error %v: want one of them", lab, err)
		}
	})
}
