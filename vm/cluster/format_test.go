package cluster

import (
	"testing"

	"axolotl/internal/strictyaml/formattest"
)

func TestFormat(t *testing.T) {
	format := formattest.Format{Comments: comments(), Sources: []string{".", ".."}, Reference: FileFormat(), Schema: FileSchema()}
	format.Check(t, []string{
		"## File\n\n",
		"- `driver` (text): Driver makes the machines",
		"## ControlPlane\n\n",
		"- `cpus` (number): virtual processors",
		"- `effect` (NoSchedule | PreferNoSchedule | NoExecute, required): on pods",
	}, []string{
		`"title":"axolotl cluster"`,
		`"maxPods":{"description":"that run on a node","type":"integer"}`,
		`"$ref":"#/$defs/Workers"`,
	})
}
