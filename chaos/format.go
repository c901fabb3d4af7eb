package chaos

import (
	_ "embed"

	"axolotl/internal/strictyaml"
)

//go:generate go run axolotl/internal/strictyaml/gocomments/write .

//go:embed comments.json
var commentsFile []byte

// comments are what the sources of this package say of an experiment's fields.
func comments() strictyaml.Comments { return strictyaml.ParseComments(commentsFile) }

// FileSchema is the JSON Schema of experiment files.
func FileSchema() map[string]any {
	schema := strictyaml.Schema[experimentFile](comments())
	schema["title"] = "axolotl experiment"
	return schema
}

// FileFormat is a Markdown text on experiment files: every field and what it
// means.
func FileFormat() string {
	return "# Experiment files\n\n" + strictyaml.Reference[experimentFile](comments())
}

// ReportSchema is the JSON Schema of a report, as -o json prints it. Fields that end
// in Ns are nanoseconds.
func ReportSchema() map[string]any {
	schema := strictyaml.JSONSchema[Report](comments())
	schema["title"] = "axolotl chaos report, " + APIVersion
	return schema
}
