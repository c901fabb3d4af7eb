package chaos

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"axolotl/internal/term"
)

// WriteCSV writes a line for each report, with its times in seconds. The
// columns are always the same; what is not known is empty.
func WriteCSV(w io.Writer, reports []*Report) error {
	header := []string{"run", "experiment", "cluster", "driver", "simulated", "started", "took_s", "seed", "verdict", "reason"}
	for _, name := range TimeNames() {
		header = append(header, strings.ReplaceAll(name, " ", "_")+"_s")
	}
	out := csv.NewWriter(w)
	if err := out.Write(header); err != nil {
		return err
	}
	for _, p := range reports {
		row := []string{
			p.ID, p.Experiment, p.Cluster, p.Driver, strconv.FormatBool(p.Simulated), p.Started.UTC().Format(time.RFC3339Nano),
			decimal(p.Took), strconv.FormatUint(p.Seed, 10), string(p.Verdict), term.Escape(p.Reason),
		}
		times := timesByName(p.Times())
		for _, name := range TimeNames() {
			cell := ""
			if took := times[name]; took != nil {
				cell = decimal(*took)
			}
			row = append(row, cell)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// decimal is a duration in seconds, to the nanosecond.
func decimal(d time.Duration) string {
	text := fmt.Sprintf("%d.%09d", d/time.Second, d%time.Second)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
