package cluster

import (
	"fmt"
	"os"
	"strings"

	"axolotl/vm"
)

// consoleTail is how much of a console's end is told, in bytes.
const consoleTail = 300

// consoleEnds quotes where the machines' consoles end. It is for errors of
// clusters whose files are thrown away with them; it is empty where there are
// no consoles.
func consoleEnds(c *vm.Cluster) string {
	var ends []string
	for _, m := range c.Machines {
		data, err := os.ReadFile(c.Path("machines", m.Name, "console.log"))
		if err != nil {
			continue
		}
		text := strings.TrimSpace(string(data[max(0, len(data)-consoleTail):]))
		ends = append(ends, fmt.Sprintf("the console of %s ends with %q", m.Name, text))
	}
	return strings.Join(ends, "; ")
}
