package cluster

import (
	_ "embed"

	"axolotl/internal/strictyaml"
)

//go:generate go run axolotl/internal/strictyaml/gocomments/write . ..

//go:embed comments.json
var commentsFile []byte

// comments are what the sources of this package and of vm say of a cluster
// file's fields.
func comments() strictyaml.Comments { return strictyaml.ParseComments(commentsFile) }

// FileSchema is the JSON Schema of cluster files.
func FileSchema() map[string]any {
	schema := strictyaml.Schema[File](comments())
	schema["title"] = "axolotl cluster"
	return schema
}

// FileFormat is a Markdown text on cluster files: every field and what it means.
func FileFormat() string {
	return "# Cluster files\n\n" + strictyaml.Reference[File](comments())
}
