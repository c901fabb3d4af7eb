package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"axolotl/internal/kube"
	"axolotl/vm"
	"axolotl/vm/existing"
)

// sourceFlags name a cluster that somebody else has made.
type sourceFlags struct {
	context    string
	kubeconfig string
}

func (f *sourceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.context, "context", "", "context of the cluster that is there (--driver existing)")
	flags.StringVar(&f.kubeconfig, "source-kubeconfig", "", "file that has the context (default: what kubectl reads)")
	_ = cmd.MarkFlagFilename("source-kubeconfig")
}

// validate returns all faults of the flags with a driver.
func (f *sourceFlags) validate(driver string) []error {
	var errs []error
	if driver == existing.Name && f.context == "" {
		errs = append(errs, errors.New("--driver existing needs --context: name the one that is meant, whatever is current ('kubectl config get-contexts' lists them)"))
	}
	if driver != existing.Name && (f.context != "" || f.kubeconfig != "") {
		errs = append(errs, fmt.Errorf("--context and --source-kubeconfig are for --driver %s", existing.Name))
	}
	return errs
}

// source is what the flags name, by absolute paths; nil where they name nothing.
func (f *sourceFlags) source() (*vm.Source, error) {
	if f.context == "" {
		return nil, nil
	}
	files := f.kubeconfig
	if files == "" {
		files = kube.UserKubeconfigs()
	}
	paths := filepath.SplitList(files)
	for i, path := range paths {
		var err error
		if paths[i], err = filepath.Abs(path); err != nil {
			return nil, err
		}
	}
	return &vm.Source{Kubeconfig: strings.Join(paths, string(filepath.ListSeparator)), Context: f.context}, nil
}
