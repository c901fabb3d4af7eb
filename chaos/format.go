package chaos

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"

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

// ResultSchemas are the JSON Schemas of what -o json prints, by its name: the report of
// one run, the trials of an experiment, the comparison of two. Fields that end in Ns are
// nanoseconds.
var ResultSchemas = map[string]func() map[string]any{
	"report": resultSchema[Report], "trials": resultSchema[Trials], "comparison": resultSchema[Comparison],
}

func resultSchema[T any]() map[string]any {
	schema := strictyaml.JSONSchema[T](comments())
	schema["title"] = fmt.Sprintf("axolotl chaos %s, %s", strings.ToLower(reflect.TypeFor[T]().Name()), APIVersion)
	name := strings.TrimPrefix(schema["$ref"].(string), "#/$defs/")
	properties := schema["$defs"].(map[string]any)[name].(map[string]any)["properties"].(map[string]any)
	properties["apiVersion"].(map[string]any)["const"] = APIVersion
	return schema
}
