package cluster

import (
	"fmt"
	"os"
	"strings"

	"axolotl/vm"
)

// consoleTail is how much of a console's end is told, in bytes.
const consoleTail = 300

// ConsoleEnds quotes where the consoles end of those machines that are named, or
// of all. It is for errors of machines that have nothing else to say, or whose
// files are thrown away; it is empty where there are no consoles.
func ConsoleEnds(c *vm.Cluster, names ...string) string {
	var ends []string
	for _, m := range among(c, names) {
		data, err := os.ReadFile(c.Path("machines", m.Name, "console.log"))
		if err != nil {
			continue
		}
		text := strings.TrimSpace(string(data[max(0, len(data)-consoleTail):]))
		ends = append(ends, fmt.Sprintf("the console of %s ends with %q", m.Name, text))
	}
	return strings.Join(ends, "; ")
}
