package main

import (
	"github.com/spf13/cobra"

	"axolotl/internal/kube"
)

func newKubeconfig(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "kubeconfig [NAME]",
		Short:             "Print a kubeconfig for a cluster",
		Long:              "Print a kubeconfig with full rights on a cluster, and no other context in it.",
		Example:           "  axolotl kubeconfig > lab.conf && KUBECONFIG=lab.conf kubectl get pods -A",
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			handle, err := a.handle(cmd.Context(), nameArgument(args))
			if err != nil {
				return err
			}
			data, err := kube.RenderContext(handle.Cluster.Kubeconfig(), handle.Cluster.Context())
			if err != nil {
				return err
			}
			_, err = a.out.Write(data)
			return err
		},
	}
}
