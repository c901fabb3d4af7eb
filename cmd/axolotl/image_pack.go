package main

import (
	"bytes"
	"os"

	"github.com/spf13/cobra"

	"axolotl/internal/store"
	"axolotl/vm/image"
)

func newImagePack(a *app) *cobra.Command {
	name := image.Self
	cmd := &cobra.Command{
		Use:   "pack FILE",
		Short: "Make a container image of this very program, for 'serve --in-cluster'",
		Long: `Make a container image of this very program, as an OCI archive: the program, the
libraries that it needs to start, and the certificates that this host trusts. No
compiler, registry or container engine is needed.`,
		Example: `  axolotl image pack axolotl.tar
  axolotl image load demo axolotl.tar`,
		Args: usageErrors(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := haveDirectory(args[0]); err != nil {
				return codedError{err, exitUsage}
			}
			program, err := os.Executable()
			if err != nil {
				return err
			}
			var archive bytes.Buffer
			if err := image.Pack(&archive, name, program); err != nil {
				return err
			}
			if err := store.WriteFile(args[0], archive.Bytes(), 0o644); err != nil {
				return err
			}
			a.progress.Line("%s holds %s, %s; load it with 'axolotl image load NAME %s'", args[0], name, mebibytes(int64(archive.Len())), args[0])
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", name, "the image's name")
	return cmd
}
