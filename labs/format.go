package labs

import (
	_ "embed"

	"axolotl/internal/strictyaml"
)

//go:generate go run axolotl/internal/strictyaml/gocomments/write .

//go:embed comments.json
var commentsFile []byte

// comments are what the sources of this package say of a lab file's fields.
func comments() strictyaml.Comments { return strictyaml.ParseComments(commentsFile) }

// Schema is the JSON Schema of lab files.
func Schema() map[string]any {
	schema := strictyaml.Schema[Lab](comments())
	schema["title"] = "axolotl lab"
	return schema
}

// Format is a Markdown text on lab files: every field and what it means.
func Format() string {
	return "# Lab files\n\n" + strictyaml.Reference[Lab](comments())
}
