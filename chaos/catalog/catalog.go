// Package catalog holds the experiments that come with axolotl. Reading and
// running them is package chaos' work.
package catalog

import "embed"

// Files are the experiments, each NAME.yaml.
//
//go:embed *.yaml
var Files embed.FS
