package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"axolotl/internal/store"
	"axolotl/labs"
)

func newLabNew(a *app) *cobra.Command {
	var named fileFlag
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a lab to begin with, commented, that runs as it is",
		Args:  usageErrors(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := labs.NewFile(args[0])
			if err != nil {
				return codedError{err, exitUsage}
			}
			file := cmp.Or(string(named), args[0]+".yaml")
			if _, err := os.Stat(file); err == nil {
				return fmt.Errorf("%s exists; choose another name or --file", file)
			}
			if err := store.WriteFile(file, text, 0o644); err != nil {
				return err
			}
			path := file
			if !strings.ContainsRune(file, filepath.Separator) {
				path = "./" + file // else it might be taken for a lab's name
			}
			a.progress.Line("wrote %s; next: axolotl lab lint %[2]s, axolotl lab run %[2]s", file, path)
			return nil
		},
	}
	cmd.Flags().VarP(&named, "file", "f", "file to write (default NAME.yaml)")
	return cmd
}
