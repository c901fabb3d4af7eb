package history

import (
	"fmt"
	"os"
	"strings"

	"github.com/prometheus/procfs"
)

// self names this process so that no other, before or after, has the same
// name: the host's boot, the number, and when it started, in the kernel's
// ticks.
func self() (string, error) { return nameOf(os.Getpid()) }

func nameOf(pid int) (string, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	p, err := procfs.NewProc(pid)
	if err != nil {
		return "", err
	}
	stat, err := p.Stat()
	if err != nil {
		return "", err
	}
	if stat.State == "Z" {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return fmt.Sprintf("%d/%d/%s", pid, stat.Starttime, strings.TrimSpace(string(boot))), nil
}

// alive tells whether the process with such a name runs.
func alive(holder string) bool {
	var pid int
	if _, err := fmt.Sscanf(holder, "%d/", &pid); err != nil {
		return false
	}
	now, err := nameOf(pid)
	return err == nil && now == holder
}
