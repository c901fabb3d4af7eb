// Package catalog holds the labs that come with axolotl. Reading and running
// them is package labs' work.
package catalog

import "embed"

// Files are the labs, each NAME.yaml.
//
//go:embed *.yaml
var Files embed.FS
