package labs

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"axolotl/internal/store"
	"axolotl/vm"
)

// UnderWay says for a person which labs there are on a cluster now: runs whose
// processes live, and the guided one. It is a help: what cannot be read is left out.
func UnderWay(c *vm.Cluster) []string {
	var all []string
	files, _ := os.ReadDir(c.Path(runsDir)) //nolint:errcheck // as a rule there is none
	for _, file := range files {
		namespace, isRun := strings.CutSuffix(file.Name(), runsSuffix)
		if !isRun || !strings.HasPrefix(namespace, runsPrefix) {
			continue
		}
		lock, err := c.TryLock(runsDir, file.Name())
		var locked *store.LockedError
		if err == nil {
			_ = lock.Unlock() // of one that was killed
		} else if errors.As(err, &locked) {
			name := strings.TrimPrefix(namespace, runsPrefix)
			all = append(all, fmt.Sprintf("lab %s runs there (pid %d)", name[:max(0, strings.LastIndexByte(name, '-'))], locked.Holder.PID))
		}
	}
	var guided guideState
	if store.ReadJSON(c.Path(guideFile), &guided) == nil {
		all = append(all, fmt.Sprintf("lab %q is under way there, done by hand", guided.File))
	}
	return all
}
