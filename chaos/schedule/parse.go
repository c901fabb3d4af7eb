package schedule

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"axolotl/chaos"
	"axolotl/internal/strictyaml"
)

// Parse reads a schedule; name is what faults call the file. The error is of
// type strictyaml.Faults: everything that is wrong, each with its place. now
// is when it would be added.
func Parse(name string, data []byte, now time.Time) (*Schedule, error) {
	document := strictyaml.Parse(name, data)
	var s Schedule
	document.Decode(&s)
	s.SetDefaults()
	if document.Err() == nil { // else what follows would repeat it in other words
		_, all := s.judge(now)
		for _, p := range all {
			if p.cron != nil {
				document.FaultAtOffset("cron", s.Cron, p.cron.Offset, "%s", p.cron.Message)
				continue
			}
			document.Faultf(p.path, "%s", p.message)
		}
		for i, err := range s.openExperiments(filepath.Dir(name)) {
			if err != nil {
				document.Faultf(fmt.Sprintf("experiment[%d]", i), "%v", err)
			}
		}
	}
	if err := document.Err(); err != nil {
		return nil, err
	}
	return &s, nil
}

// ReadFile reads a schedule from a file.
func ReadFile(path string, now time.Time) (*Schedule, error) {
	data, err := strictyaml.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, now)
}

// CheckExperiments opens the experiments of a schedule that was given by
// flags, and makes the paths of files absolute.
func (s *Schedule) CheckExperiments(dir string) error {
	for _, err := range s.openExperiments(dir) {
		if err != nil {
			return err
		}
	}
	return nil
}

// openExperiments opens each experiment, files relative to dir, which are then
// named by their absolute paths. It returns an error, or nil, for each.
func (s *Schedule) openExperiments(dir string) []error {
	var errs []error
	for i, name := range s.Experiments {
		if isFile(name) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(dir, name)
			}
			abs, err := filepath.Abs(name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			s.Experiments[i] = abs
		}
		e, err := chaos.Open(s.Experiments[i])
		if err == nil {
			err = s.With.Overrides().Apply(e)
		}
		errs = append(errs, err)
	}
	return errs
}

// isFile tells whether chaos.Open takes a word for a file.
func isFile(word string) bool {
	return strings.ContainsRune(word, '/') || slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(word))
}
