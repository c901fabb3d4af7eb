package main

import (
	"errors"
	"fmt"

	"axolotl/internal/strictyaml"
	"axolotl/internal/term"
)

// lint opens files and prints the errors of all of them. One that cannot be
// opened hides no error of the others.
func lint(a *app, format term.Format, names []string, open func(nameOrFile string) error) error {
	all := strictyaml.Faults{}
	var errs []error
	for _, name := range names {
		err := open(name)
		var faults strictyaml.Faults
		if errors.As(err, &faults) {
			all = append(all, faults...)
		} else {
			errs = append(errs, err)
		}
	}
	errs = append(errs, format.Print(a.out, all, func() error {
		for _, fault := range all {
			if _, err := fmt.Fprintln(a.out, fault.Error()); err != nil {
				return err
			}
		}
		return nil
	}))
	if len(all) > 0 {
		them := "them"
		if len(all) == 1 {
			them = "it"
		}
		errs = append(errs, fmt.Errorf("%s; fix %s and lint again", counted(len(all), "error"), them))
	}
	return errors.Join(errs...)
}

// counted says how many there are of a thing: "1 error", "2 errors".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
