// Package schedule says when experiments are run: the file that a person
// writes (kind: Schedule), its rules, the firings that follow from it, and
// where schedules are kept.
//
// It computes and stores; it runs nothing. Firings are computed in one place,
// Timetable, which 'axolotl schedule next' prints and 'axolotl serve' obeys.
package schedule

import "axolotl/chaos"

// APIVersion and Kind mark the file of a schedule.
const (
	APIVersion = "axolotl.dev/v1"
	Kind       = "Schedule"
)

// Schedule is what a person asked for. The same names serve the YAML file, the
// JSON on disk and the output of commands.
type Schedule struct {
	APIVersion string `yaml:"apiVersion" json:"apiVersion"` // axolotl.dev/v1
	Kind       string `yaml:"kind,required" json:"kind"`    // Schedule
	Name       string `yaml:"name,required" json:"name"`    // a DNS label of at most 40 characters
	Cluster    string `yaml:"cluster" json:"cluster"`       // that is broken; "axolotl" where it is left out

	// Experiments are names of the catalog, or files. Of several each firing
	// takes one, by the seed.
	Experiments []string `yaml:"experiment,required" json:"experiment"`
	// With changes the experiment, as the flags of 'chaos run' do.
	With With `yaml:"with" json:"with,omitzero"`

	// Cron has five fields, or is a word such as @daily or "@every 90m".
	Cron string `yaml:"cron,required" json:"cron"`
	// Zone is where Cron is read, a name of the tz database; UTC where it is
	// empty.
	Zone string `yaml:"zone" json:"zone"`

	// Window is when firings exist at all; always where it is empty.
	Window []Span `yaml:"window" json:"window,omitempty"`
	// Quiet is when those that exist are skipped, which is recorded.
	Quiet []Span `yaml:"quiet" json:"quiet,omitempty"`

	// Jitter delays each firing by up to so long, by the seed and the time at
	// which it is due. A firing that would leave the window by it, or enter
	// quiet times, is not delayed.
	Jitter Duration `yaml:"jitter" json:"jitter,omitzero"`
	// Seed fixes jitter, choice and targets. 'schedule add' makes one up where
	// it is 0.
	Seed int64 `yaml:"seed" json:"seed,omitempty"`

	// StartingDeadline is how late a firing may start, whatever the reason.
	// One that is later is missed.
	StartingDeadline Duration `yaml:"startingDeadline" json:"startingDeadline,omitzero"`
	// Concurrency says what happens to a firing while a run is at work on the
	// cluster.
	Concurrency Concurrency `yaml:"concurrency" json:"concurrency,omitempty"`
	// Budget bounds how much is broken.
	Budget Budget `yaml:"budget" json:"budget,omitzero"`

	// RestoreBefore throws the cluster's machines away before each run, and has
	// them back as 'axolotl recreate' does.
	RestoreBefore bool `yaml:"restoreBefore" json:"restoreBefore,omitempty"`
	// RecreateAfter says after which runs the same is done.
	RecreateAfter RecreateAfter `yaml:"recreateAfter" json:"recreateAfter,omitempty"`

	// Expires is the last moment: an instant in RFC 3339, or a date, which
	// counts to its end in Zone.
	Expires string `yaml:"expires" json:"expires,omitempty"`

	// Notify are those who are told what became of firings.
	Notify []Notify `yaml:"notify" json:"notify,omitempty"`
}

// With changes an experiment; see the flags of 'axolotl chaos run'.
type With struct {
	Namespace  string            `yaml:"namespace" json:"namespace,omitempty"`   // of the target, which is there already
	Deployment string            `yaml:"deployment" json:"deployment,omitempty"` // whose pods are the target
	Selector   map[string]string `yaml:"selector" json:"selector,omitempty"`     // labels of the pods that are the target
	HealWithin Duration          `yaml:"healWithin" json:"healWithin,omitzero"`  // the time from the fault within which all must be well
	NoProbe    bool              `yaml:"noProbe" json:"noProbe,omitempty"`       // no client is played
}

// Overrides are the same for package chaos.
func (w With) Overrides() chaos.Overrides {
	return chaos.Overrides{
		Namespace: w.Namespace, Deployment: w.Deployment, Selector: w.Selector,
		HealWithin: w.HealWithin.Std(), NoProbe: w.NoProbe,
	}
}

// Budget bounds how much is broken.
type Budget struct {
	// RunsPerDay is the most runs on one day of Zone; 0 is no bound.
	RunsPerDay int `yaml:"runsPerDay" json:"runsPerDay,omitempty"`
	// StopAfterNotHealed pauses the schedule after so many runs that ended
	// not-healed or undo-failed since it was added or resumed; 0 never does.
	StopAfterNotHealed int `yaml:"stopAfterNotHealed" json:"stopAfterNotHealed,omitempty"`
}

// Notify is one who is told, and of what.
type Notify struct {
	// One of these three:

	Webhook string   `yaml:"webhook" json:"webhook,omitempty"` // an address that is sent JSON by POST
	Slack   string   `yaml:"slack" json:"slack,omitempty"`     // an address that is sent a text, as Slack's incoming webhooks take it
	Command []string `yaml:"command" json:"command,omitempty"` // a program that is started with the JSON on its standard input

	// SecretFile holds the key that webhooks are signed with.
	SecretFile string `yaml:"secretFile" json:"secretFile,omitempty"`

	// On are the verdicts and outcomes that are told; where it is empty all
	// but healed runs and skipped firings.
	On []Event `yaml:"on" json:"on,omitempty"`
}
