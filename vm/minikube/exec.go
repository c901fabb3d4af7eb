package minikube

import (
	"context"
	"strings"

	"axolotl/vm"
)

// Exec implements vm.Executor: the command runs as root. It goes by ssh's own
// program, because minikube's client gives every command a terminal, which
// mixes what it prints with its errors.
func (d *Driver) Exec(ctx context.Context, c *vm.Cluster, name string, argv ...string) (string, error) {
	if _, err := machine(c, name); err != nil {
		return "", err
	}
	return of(c).run(ctx, nil, "ssh", "--native-ssh=false", "--node", name, "--", "sudo", quote(argv))
}

// quote makes one line of a command, for the shell that ssh gives it to.
func quote(argv []string) string {
	quoted := make([]string, len(argv))
	for i, arg := range argv {
		quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}
