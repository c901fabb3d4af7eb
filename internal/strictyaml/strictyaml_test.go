package strictyaml

import (
	"strings"
	"testing"
	"time"
)

type sample struct {
	Name  string            `yaml:"name,required"`
	Count int               `yaml:"count"`
	Wait  time.Duration     `yaml:"wait"`
	On    *bool             `yaml:"on"`
	Parts []part            `yaml:"parts"`
	Free  any               `yaml:"free"`
	Words map[string]string `yaml:"words"`
}

type part struct {
	Kind string `yaml:"kind,required"`
	Text string `yaml:"text"`
}

func read(text string) (sample, *Document) {
	var s sample
	d := Parse("f.yaml", []byte(text))
	d.Decode(&s)
	return s, d
}

func TestDecode(t *testing.T) {
	s, d := read("name: a\ncount: 3\nwait: 90s\non: false\nparts: {kind: one}\nfree: {n: [1, x, true, null, 1.5]}\nwords: {a: 'b'}\n")
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	if s.Name != "a" || s.Count != 3 || s.Wait != 90*time.Second || s.On == nil || *s.On || len(s.Parts) != 1 || s.Parts[0].Kind != "one" || s.Words["a"] != "b" {
		t.Errorf("got %+v", s)
	}
	if list := s.Free.(map[string]any)["n"].([]any); list[0] != int64(1) || list[1] != "x" || list[2] != true || list[3] != nil || list[4] != 1.5 {
		t.Errorf("free: %v", list)
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, d := read(`nmae: a
count: many
wait: 5
parts:
  - kind: 7
  - text: |
      fine
    tetx: x
    text: again
`)
	want := strings.TrimPrefix(`
f.yaml:1:1: unknown field "nmae" (did you mean "name"?)
    1 | nmae: a
      | ^
f.yaml:1:1: "name" is missing
    1 | nmae: a
      | ^
f.yaml:2:8: want a whole number, found "many"
    2 | count: many
      |        ^
f.yaml:3:7: want a duration such as "30s" or "2m", found "5"
    3 | wait: 5
      |       ^
f.yaml:5:11: want a text, found "7"; put it in quotes
    5 |   - kind: 7
      |           ^
f.yaml:6:5: "kind" is missing
    6 |   - text: |
      |     ^
f.yaml:8:5: unknown field "tetx" (did you mean "text"?)
    8 |     tetx: x
      |     ^
f.yaml:9:5: "text" stands here twice; keep one
    9 |     text: again
      |     ^`, "\n")
	if got := d.Err().Error(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestRefused(t *testing.T) {
	bomb := "a: &a [x, x]\nb: &b [*a, *a]\nname: *b\n"
	for text, want := range map[string]string{
		bomb:                                    "f.yaml:1:4: anchors, aliases and merge keys",
		"":                                      "f.yaml:1:1: the file is empty",
		"name: a\n---\nname: b\n":               "f.yaml:3:1: a second document",
		"name: !!str a\n":                       "f.yaml:1:7: tags are not read here",
		"? name\n: a\n":                         `f.yaml:1:1: "?" is not read here`,
		"name: \"\x1b[31m\"\n":                  "f.yaml:1:8: control character U+001B",
		"name: \"\\e[31m\"\n":                   "f.yaml:1:7: the text holds the control character U+001B",
		"name: \xff\n":                          "f.yaml:1:7: not UTF-8",
		"name: [\n":                             "f.yaml:1:",
		"- a\n":                                 "f.yaml:1:1: want fields, found a list",
		strings.Repeat("[", 100_000):            "nested too deeply",
		strings.Repeat("- ", 100_000):           "nested too deeply",
		"name: " + strings.Repeat("a", 300<<10): "the file has more than 262144 bytes",
	} {
		_, d := read(text)
		if err := d.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q:\n got %v\nwant …%s…", text, err, want)
		}
	}
}

func TestFaultInside(t *testing.T) {
	_, d := read("name: \"quoted wörds\"\nparts:\n  - kind: plain\n    text: |\n\n      zwei\n      drei\n")
	d.FaultInside("name", 1, 8, "A")
	d.FaultInside("parts[0].kind", 1, 3, "B")
	d.FaultInside("parts[0].text", 3, 2, "C")
	d.FaultAtOffset("parts[0].text", "\nzwei\ndrei\n", 7, "D")
	for _, want := range []string{"f.yaml:1:15: A", "f.yaml:3:13: B", "f.yaml:7:8: C", "f.yaml:7:8: D"} {
		if !strings.Contains(d.Err().Error(), want) {
			t.Errorf("no %q in:\n%v", want, d.Err())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("name: a\nparts: [{kind: x}]\nfree: {a: [1]}\n")
	f.Add("a: &a [x]\nb: *a\n")
	f.Add("name: |\n  a\n b\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_, d := read(text)
		for _, text := range d.Texts() {
			d.FaultInside(text.Path, 2, 3, "x")
		}
		_ = d.Err()
	})
}
