package term

import (
	"encoding/json"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

// Format is a machine-readable or human output format, the value of -o.
type Format string

// The formats that every command with -o knows.
const (
	FormatTable Format = "table"
	FormatJSON  Format = "json"
	FormatYAML  Format = "yaml"
)

// Set implements pflag.Value.
func (f *Format) Set(value string) error {
	switch Format(value) {
	case FormatTable, FormatJSON, FormatYAML:
		*f = Format(value)
		return nil
	}
	return fmt.Errorf("unknown format %q; use table, json or yaml", value)
}

// String implements pflag.Value.
func (f *Format) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *Format) Type() string { return "table|json|yaml" }

// Print writes value as JSON or YAML, or calls table.
func (f Format) Print(w io.Writer, value any, table func() error) error {
	switch f {
	case FormatJSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(value)
	case FormatYAML:
		data, err := yaml.Marshal(value)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	}
	return table()
}
