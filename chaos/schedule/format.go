package schedule

import (
	_ "embed"

	"axolotl/internal/strictyaml"
)

//go:generate go run axolotl/internal/strictyaml/gocomments/write .

//go:embed comments.json
var commentsFile []byte

// comments are what the sources of this package say of a schedule's fields.
func comments() strictyaml.Comments { return strictyaml.ParseComments(commentsFile) }

// FileSchema is the JSON Schema of schedule files.
func FileSchema() map[string]any {
	schema := strictyaml.Schema[Schedule](comments())
	schema["title"] = "axolotl schedule"
	return schema
}

// FileFormat is a Markdown text on schedule files: every field and what it means.
func FileFormat() string {
	return "# Schedule files\n\n" + strictyaml.Reference[Schedule](comments())
}
