package labs

import (
	_ "embed"
	"encoding/json"

	"axolotl/internal/strictyaml"
)

//go:generate go run comments_gen.go

//go:embed comments.json
var commentsFile []byte

// comments are what the sources of this package say of a lab file's fields.
func comments() strictyaml.Comments {
	var all strictyaml.Comments
	if err := json.Unmarshal(commentsFile, &all); err != nil {
		panic(err) // it is generated, and a test reads it
	}
	return all
}

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
