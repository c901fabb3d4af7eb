package minikube

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// event is one line of "--output json": a CloudEvent.
type event struct {
	Type string            `json:"type"`
	Data map[string]string `json:"data"`
}

// The events that are heard; there are warnings and remarks, too.
const (
	typeStep     = "io.k8s.sigs.minikube.step"
	typeDownload = "io.k8s.sigs.minikube.download"
	typeProgress = "io.k8s.sigs.minikube.download.progress"
	typeError    = "io.k8s.sigs.minikube.error"
)

func parseEvent(line []byte) (event, bool) {
	var e event
	err := json.Unmarshal(line, &e)
	return e, err == nil && strings.HasPrefix(e.Type, "io.k8s.sigs.minikube.")
}

// progress is what a person reads while it lasts; empty: nothing new.
func (e event) progress() string {
	switch e.Type {
	case typeStep:
		// Its message, since its name stays the same while an image is downloaded.
		return fmt.Sprintf("%s (%s of %s)", oneLine(e.Data["message"]), e.Data["currentstep"], e.Data["totalsteps"])
	case typeDownload:
		return "downloading " + e.Data["artifact"]
	case typeProgress:
		return fmt.Sprintf("downloading %s: %s", e.Data["artifact"], e.Data["progress"])
	}
	return ""
}

// failure is why minikube gives up; nil: the event is another one. One without
// an ID comes before one that has it, and tells nothing that this does not.
func (e event) failure() *Error {
	if e.Type != typeError || e.Data["name"] == "" && e.Data["exitcode"] == "" {
		return nil
	}
	failed := &Error{ID: e.Data["name"], Message: e.Data["message"], Advice: e.Data["advice"], URL: e.Data["url"]}
	if strings.Contains(failed.Advice, "{{") {
		failed.Advice = "" // a template: as an event it is not filled in
	}
	return failed
}

// Error is why minikube could not do something, in its own words.
type Error struct {
	Command  string // "start"
	Profile  string
	ID       string // "PROVIDER_DOCKER_NOT_RUNNING"; empty: it gave none
	Message  string
	Advice   string
	URL      string
	ExitCode int
}

func (e *Error) Error() string {
	id := fmt.Sprintf("exit code %d", e.ExitCode)
	if e.ID != "" {
		id = e.ID + ", " + id
	}
	text := fmt.Sprintf("minikube %s: %s (%s)", e.Command, oneLine(downloader.ReplaceAllString(e.Message, "")), id)
	advice := e.Advice
	if advice == "" {
		advice = remedies[e.ID]
	}
	switch {
	case advice != "":
		return text + "; " + strings.TrimSuffix(oneLine(advice), ".")
	case e.URL != "":
		return text + "; see " + e.URL
	case e.Profile != "":
		return fmt.Sprintf("%s; see 'minikube logs -p %s'", text, e.Profile)
	}
	return text
}

// remedies are what to do where minikube says it in a line of its own before the
// error, or not at all.
var remedies = map[string]string{
	"DRV_AS_ROOT":     "run this as an ordinary user, or with MINIKUBE_FORCE=true",
	"GUEST_CP_CONFIG": "some profile has no node: see 'minikube profile list --light', and remove it with 'minikube delete -p NAME'",
}

// downloader is all that the client is made of, printed by minikube in place of
// its name: 700 letters for each of three mirrors.
var downloader = regexp.MustCompile(`getter: &\{.*? Options:\[[^]]*\]\}: `)

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

var (
	// exiting is how a command without events says why, behind a sign.
	exiting    = regexp.MustCompile(`(?m)^\S* *Exiting due to ([A-Z0-9_]+): (.*)$`)
	suggestion = regexp.MustCompile(`(?m)^\S* *Suggestion: (.*)$`)
	// logged is a line of minikube's log, which says it at length.
	logged = regexp.MustCompile(`^[IWEF]\d{4} \d\d:\d\d`)
)

// inText finds the same in what a command without events prints.
func inText(text string) *Error {
	if found := exiting.FindStringSubmatch(text); found != nil {
		e := &Error{ID: found[1], Message: found[2]}
		if advice := suggestion.FindStringSubmatch(text); advice != nil {
			e.Advice = advice[1]
		}
		return e
	}
	var said []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !logged.MatchString(line) {
			said = append(said, strings.TrimLeft(line, "*X! "))
		}
	}
	return &Error{Message: strings.Join(said, " ")}
}
