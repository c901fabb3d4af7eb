package schedule

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"axolotl/internal/strictyaml"
)

const full = `apiVersion: axolotl.dev/v1
kind: Schedule
name: tuesdays
cluster: demo
experiment: [pod-deletion, node-cordon]
with: {namespace: shop, selector: {app: web}, healWithin: 90s, noProbe: true}
cron: 0 11 * * tue
zone: Europe/Madrid
window: {days: mon-fri, from: 09:00, to: 17:00}
quiet:
  - {dates: [2026-12-24..2027-01-06, 05-01]}
  - {days: [sat, sun], to: 24:00}
jitter: 10m
seed: 7
startingDeadline: 5m
concurrency: queue
budget: {runsPerDay: 3, stopAfterNotHealed: 2}
restoreBefore: true
recreateAfter: not-healed
expires: 2030-06-30
notify:
  - {webhook: "https://example.org/x", secretFile: /etc/key, on: [not-healed, missed]}
  - {command: [logger, -t, axolotl]}
`

// What is shown can be added again, and means the same.
func TestParseAndShow(t *testing.T) {
	s, err := Parse("s.yaml", []byte(full), added)
	if err != nil {
		t.Fatal(err)
	}
	if s.Jitter.Std().Minutes() != 10 || *s.Window[0].From != 9*60 || s.Quiet[0].Dates[1].String() != "05-01" ||
		s.Concurrency != Queue || s.Budget.RunsPerDay != 3 || s.Notify[0].On[1] != Missed || len(s.Experiments) != 2 {
		t.Errorf("%+v", s)
	}
	shown, err := yaml.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("again.yaml", shown, added)
	if err != nil || !reflect.DeepEqual(again, s) {
		t.Errorf("%v\n%s\n%+v\n%+v", err, shown, again, s)
	}
	kept, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var loaded Schedule
	if err := json.Unmarshal(kept, &loaded); err != nil || !reflect.DeepEqual(&loaded, s) {
		t.Errorf("%v\n%s", err, kept)
	}
}

// TestFaultsOfAFile holds each fault to its place.
func TestFaultsOfAFile(t *testing.T) {
	good := "kind: Schedule\nname: s\nexperiment: pod-deletion\ncron: 0 11 * * 2\n"
	cron := func(text string) string { return strings.Replace(good, "0 11 * * 2", text, 1) }
	tests := map[string]struct{ text, want string }{
		"kind":                   {strings.Replace(good, "Schedule", "Shedule", 1), `s.yaml:1:7: "Shedule" is no schedule`},
		"no kind":                {strings.Replace(good, "kind: Schedule\n", "", 1), `"kind" is missing`},
		"version":                {good + "apiVersion: axolotl.dev/v9\n", `s.yaml:5:13: "axolotl.dev/v9" is not known`},
		"name":                   {strings.Replace(good, "name: s", "name: S_1", 1), `s.yaml:2:7: "S_1" is no DNS label`},
		"experiment":             {strings.Replace(good, "pod-deletion", "pod-deletoin", 1), `s.yaml:3:13: no experiment "pod-deletoin" (did you mean "pod-deletion"?)`},
		"one of two":             {strings.Replace(good, "pod-deletion", "[pod-deletion, x]", 1), `s.yaml:3:28: no experiment "x"`},
		"a file that is gone":    {strings.Replace(good, "pod-deletion", "./gone.yaml", 1), "s.yaml:3:13: open "},
		"minute":                 {cron("61 11 * * 2"), "s.yaml:4:7: minute: end of range (61) above maximum (59)\n    4 | cron: 61 11 * * 2\n      |       ^"},
		"end of a range":         {cron("0 9-25 * * 2"), "s.yaml:4:11: hour: end of range (25) above maximum (23)"},
		"range backwards":        {cron("0 17-9 * * 2"), "s.yaml:4:12: hour: beginning of range (17) beyond end of range (9)"},
		"element of a list":      {cron("0,15,3x 11 * * 2"), `s.yaml:4:12: minute: "3x" is neither a number nor a name`},
		"step":                   {cron("'*/0 11 * * 2'"), "s.yaml:4:10: minute: step of range should be a positive number"},
		"empty element":          {cron("0,,5 11 * * 2"), "s.yaml:4:9: minute: nothing stands here"},
		"name of a day":          {cron("0 11 * * tues"), `s.yaml:4:16: day of the week: "tues" is neither a number nor a name`},
		"quoted":                 {cron(`"0 11 * 13 2"`), "s.yaml:4:15: month: end of range (13) above maximum (12)"},
		"four fields":            {cron("0 11 * *"), "s.yaml:4:15: 4 fields; the day of the week is missing"},
		"six fields":             {cron("0 0 11 * * 2"), "s.yaml:4:18: 6 fields; five are wanted"},
		"a zone in it":           {cron("TZ=UTC 0 11 * * 2"), "s.yaml:4:7: the time zone stands in the field zone"},
		"a zone alone":           {cron("TZ=0"), "s.yaml:4:7: the time zone"},
		"never":                  {cron("0 0 31 feb *"), "s.yaml:4:7: no such day ever comes"},
		"word":                   {cron("'@dayly'"), `s.yaml:4:8: unknown word "@dayly" (did you mean "@daily"?)`},
		"interval":               {cron("'@every -1h'"), "s.yaml:4:15: want whole seconds such as 90s"},
		"interval of nothing":    {cron("'@every'"), "want whole seconds"},
		"zone":                   {good + "zone: Europe/Madird\n", `s.yaml:5:7: unknown time zone "Europe/Madird" (did you mean "Europe/Madrid"?)`},
		"local zone":             {good + "zone: Local\n", `s.yaml:5:7: "Local" is no name of a time zone`},
		"zone that is a path":    {good + "zone: ../etc/passwd\n", "s.yaml:5:7: unknown time zone"},
		"day":                    {good + "window: {days: mon-tus}\n", `s.yaml:5:16: unknown day "tus" (did you mean "tue"?)`},
		"hour":                   {good + "window: {from: 25:00}\n", "s.yaml:5:16: want a time of the day"},
		"date":                   {good + "quiet: {dates: 2026-02-30}\n", "s.yaml:5:16: want a date"},
		"dates backwards":        {good + "quiet: {dates: 2027-01-06..2026-12-24}\n", "2026-12-24 is before 2027-01-06"},
		"empty span":             {good + "quiet: {days: [sat]}\nwindow: [{}]\n", "s.yaml:6:10: it says no time"},
		"no width":               {good + "window: {from: 09:00, to: 09:00}\n", "it begins when it ends"},
		"window never open":      {good + "window: {days: mon}\n", "it never fires"},
		"jitter":                 {cron("'*/5 * * * *'") + "jitter: 5m\n", "s.yaml:5:9: 5m is not shorter than the time between two firings, 5m"},
		"duration":               {good + "jitter: soon\n", `s.yaml:5:9: want a duration such as "30s"`},
		"concurrency":            {good + "concurrency: allow\n", `s.yaml:5:14: unknown word "allow"; use forbid or queue`},
		"expiry":                 {good + "expires: tomorrow\n", "s.yaml:5:10: want a date"},
		"two receivers":          {good + "notify: {slack: 'https://x', command: a}\n", "s.yaml:5:9: give one of webhook, slack and command"},
		"address":                {good + "notify: {webhook: 'ftp://x'}\n", "s.yaml:5:19: want an address"},
		"event":                  {good + "notify: {command: a, on: [unhealed]}\n", `unknown word "unhealed"`},
		"target of no namespace": {good + "with: {deployment: web}\n", "s.yaml:5:7: deployment and selector need a namespace"},
		"unknown field":          {good + "timezone: UTC\n", `s.yaml:5:1: unknown field "timezone"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("s.yaml", []byte(test.text), added)
			var faults strictyaml.Faults
			if !errors.As(err, &faults) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got\n%v\nwant %s", err, test.want)
			}
		})
	}
}

// Whatever somebody types is read or refused, with a place that is in it.
func FuzzCron(f *testing.F) {
	for _, seed := range []string{"0 11 * * 2", "@every 1h", "@every", "TZ=", "*/5,7-9/2 ? * jan mon", "-1 / , - *", "@", "\u00a0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseCron(text)
		var place *CronError
		if err == nil {
			newTicker(parsed, added.Location(), added).next(added)
		} else if !errors.As(err, &place) || place.Offset < 0 || place.Offset > len(text) || place.Error() == "" {
			t.Errorf("%q: %v", text, err)
		}
	})
}
