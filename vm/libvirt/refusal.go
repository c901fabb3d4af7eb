package libvirt

import (
	"fmt"
	"regexp"
)

// forwardRefused is what QEMU says, after all forwards of a machine, where one of
// its ports is taken.
var forwardRefused = regexp.MustCompile(`Could not set up host forwarding rule 'tcp:([0-9.]+:[0-9]+)-`)

// startError says in a sentence what QEMU says in a page: that somebody took a
// port between our look at it and QEMU's bind.
func startError(err error) error {
	if err == nil {
		return nil
	}
	if refused := forwardRefused.FindStringSubmatch(err.Error()); refused != nil {
		return fmt.Errorf("another program has taken %[1]s meanwhile: run the command again; where it stays taken (ss -ltnp tells by whom), "+
			"remove the cluster and make it anew, on other ports", refused[1])
	}
	return err
}
