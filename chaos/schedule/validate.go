package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"axolotl/internal/strictyaml"
	"axolotl/vm/cluster"
)

// problem is one thing that is wrong with a schedule, at the path of its field
// and, where cron is not nil, at a place within its text.
type problem struct {
	path    string
	message string
	cron    *CronError
}

func (p problem) Error() string {
	if p.cron != nil {
		return p.cron.Error()
	}
	return p.path + ": " + p.message
}

// problems gathers what is wrong.
type problems []problem

func (p *problems) add(broken bool, path, format string, args ...any) {
	if broken {
		*p = append(*p, problem{path: path, message: fmt.Sprintf(format, args...)})
	}
}

// SetDefaults fills what was left out.
func (s *Schedule) SetDefaults() {
	if s.APIVersion == "" {
		s.APIVersion = APIVersion
	}
	if s.Cluster == "" {
		s.Cluster = cluster.DefaultName
	}
	if s.Zone == "" {
		s.Zone = "UTC"
	}
	if s.Concurrency == "" {
		s.Concurrency = Forbid
	}
	if s.RecreateAfter == "" {
		s.RecreateAfter = Never
	}
	if s.StartingDeadline == 0 {
		s.StartingDeadline = Duration(DefaultDeadline)
		if s.Concurrency == Queue {
			s.StartingDeadline = Duration(DefaultQueueDeadline)
		}
	}
}

// Timetable is the schedule's timetable, of a schedule that was added then.
// The error is all that is wrong with it, joined.
func (s *Schedule) Timetable(added time.Time) (*Timetable, error) {
	timetable, all := s.judge(added)
	var errs []error
	for _, p := range all {
		errs = append(errs, p)
	}
	return timetable, errors.Join(errs...)
}

// judge finds all that is wrong, and makes the timetable where nothing is.
func (s *Schedule) judge(added time.Time) (*Timetable, problems) {
	var all problems
	all.add(s.APIVersion != APIVersion, "apiVersion", "%q is not known here; use %s", s.APIVersion, APIVersion)
	all.add(s.Kind != Kind, "kind", "%q is no schedule; write kind: %s", s.Kind, Kind)
	all.add(cluster.ValidateName(s.Name) != nil, "name", "%q is no DNS label of at most 40 characters; use small letters, digits and -", s.Name)
	if err := cluster.ValidateName(s.Cluster); err != nil {
		all.add(true, "cluster", "%v", err)
	}
	all.add(len(s.Experiments) == 0, "experiment", "it names no experiment; see 'axolotl chaos list'")
	w := s.With
	all.add(w.Namespace == "" && (w.Deployment != "" || len(w.Selector) > 0), "with", "deployment and selector need a namespace")
	all.add(s.Seed < 0, "seed", "%d is negative", s.Seed)
	all.add(s.Budget.RunsPerDay < 0 || s.Budget.StopAfterNotHealed < 0, "budget", "a number is negative")
	for i, span := range s.Window {
		all.span(fmt.Sprintf("window[%d]", i), span)
	}
	for i, span := range s.Quiet {
		all.span(fmt.Sprintf("quiet[%d]", i), span)
	}
	for i, n := range s.Notify {
		all.notify(fmt.Sprintf("notify[%d]", i), n)
	}
	return s.times(added, all)
}

func (p *problems) span(path string, s Span) {
	p.add(len(s.Days)+len(s.Dates) == 0 && s.From == nil && s.To == nil, path, "it says no time; give days, dates, from or to")
	from, to := s.hours()
	p.add(from == to, path, "it begins when it ends, at %s", from)
}

func (p *problems) notify(path string, n Notify) {
	kinds := 0
	for _, given := range []bool{n.Webhook != "", n.Slack != "", len(n.Command) > 0} {
		if given {
			kinds++
		}
	}
	p.add(kinds != 1, path, "give one of webhook, slack and command")
	for name, url := range map[string]string{"webhook": n.Webhook, "slack": n.Slack} {
		bad := url != "" && !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://")
		p.add(bad, path+"."+name, "want an address that begins with https:// or http://")
	}
	p.add(n.SecretFile != "" && n.Webhook == "", path+".secretFile", "only webhooks are signed")
}

// times is what of the judging concerns times.
func (s *Schedule) times(added time.Time, all problems) (*Timetable, problems) {
	zone, err := loadZone(s.Zone)
	if err != nil {
		all.add(true, "zone", "%v", err)
		zone = time.UTC
	}
	k := &Timetable{
		zone: zone, window: s.Window, quiet: s.Quiet, jitter: s.Jitter.Std(), seed: uint64(s.Seed),
		deadline: s.StartingDeadline.Std(), choices: len(s.Experiments),
	}
	k.expires, err = parseExpiry(s.Expires, zone)
	if err != nil {
		all.add(true, "expires", "%v", err)
	}
	parsed, err := parseCron(s.Cron)
	var place *CronError
	if errors.As(err, &place) {
		return nil, append(all, problem{path: "cron", cron: place})
	}
	k.ticker = newTicker(parsed, zone, added)
	if len(all) > 0 {
		return nil, all
	}
	s.checkFirings(k, added, &all)
	if len(all) > 0 {
		return nil, all
	}
	return k, nil
}

// someFirings is how many firings are looked at to find the time between two.
const someFirings = 100

// checkFirings sees whether there are any, and whether the jitter would let
// one overtake the next.
func (s *Schedule) checkFirings(k *Timetable, added time.Time, all *problems) {
	if k.ticker.next(added).IsZero() {
		*all = append(*all, problem{path: "cron", cron: &CronError{s.Cron, 0, "no such day ever comes"}})
		return
	}
	firings := k.Next(added, someFirings, true)
	// NOTE: an expired one stays what it is; it is only not added any more.
	if _, ok := k.After(added); !ok && (k.expires.IsZero() || k.expires.After(added)) {
		all.add(true, "cron", "it never fires; compare window and expires with it")
	}
	for i := 1; i < len(firings); i++ {
		between := firings[i].Due.Sub(firings[i-1].Due)
		if k.jitter >= between {
			all.add(true, "jitter", "%s is not shorter than the time between two firings, %s", s.Jitter, Duration(between))
			return
		}
	}
}

// loadZone finds a zone of the tz database. Local is none: it would be another
// on another host.
func loadZone(name string) (*time.Location, error) {
	if name == "Local" || name == "" {
		return nil, fmt.Errorf("%q is no name of a time zone; use one such as Europe/Madrid or UTC", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %q%s; use one such as Europe/Madrid or UTC", name, strictyaml.DidYouMean(name, zoneNames))
	}
	return zone, nil
}

// parseExpiry reads an instant, or a date, which counts to its end.
func parseExpiry(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if date, err := time.Parse(fullDate, text); err == nil {
		return onClock(date.AddDate(0, 0, 1), zone).Add(-time.Nanosecond), nil
	}
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("want a date such as 2027-06-30 or an instant such as 2027-06-30T18:00:00Z, found %q", text)
	}
	return instant, nil
}
