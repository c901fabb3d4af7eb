package libvirt

import (
	"fmt"
	"net"
	"regexp"
	"strconv"

	"axolotl/internal/ports"
)

// forwardRefused is what QEMU says, after all forwards of a machine, where one of
// its ports is taken.
var forwardRefused = regexp.MustCompile(`Could not set up host forwarding rule 'tcp:([0-9.]+:[0-9]+)-`)

// startError says in a sentence what QEMU says in a page: that somebody has taken a
// port, between our look at it and QEMU's bind or while the machine was off. The
// cluster keeps its ports, which kubeconfigs name.
func (c *connection) startError(err error) error {
	if err == nil {
		return nil
	}
	if refused := forwardRefused.FindStringSubmatch(err.Error()); refused != nil {
		who := "a program there ('ss -ltnp' tells which)"
		if _, text, err := net.SplitHostPort(refused[1]); err == nil && !isRemote(c.uri) {
			if port, err := strconv.Atoi(text); err == nil {
				who = ports.Owner(port)
			}
		}
		return fmt.Errorf("%s is a port of this cluster and was taken meanwhile, by %s; end that, and 'axolotl up' has the cluster back as it was "+
			"(taken down and up again it has other ports, and is empty)", refused[1], who)
	}
	return err
}
