package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm/image"
)

// version is set by the linker ('make build' takes it from git).
var version = "devel"

type versions struct {
	Axolotl    string `json:"axolotl"`
	Go         string `json:"go"`
	Kubernetes string `json:"kubernetes"`
	Image      string `json:"image"`
	ClientGo   string `json:"clientGo"`
}

func newVersion(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of axolotl and of what it makes",
		Args:  usageErrors(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			id, err := image.ID()
			if err != nil {
				return err
			}
			v := versions{Axolotl: version, Go: runtime.Version(), Kubernetes: image.KubernetesVersion, Image: id}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, dependency := range info.Deps {
					if dependency.Path == "k8s.io/client-go" {
						v.ClientGo = dependency.Version
					}
				}
			}
			return format.Print(a.out, v, func() error {
				_, err := fmt.Fprintf(a.out, "axolotl %s (%s, client-go %s)\nclusters: Kubernetes %s, node image %s\n",
					v.Axolotl, v.Go, v.ClientGo, v.Kubernetes, v.Image)
				return err
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}
