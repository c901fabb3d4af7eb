package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// So is what sums several of them up.
func TestSumsAreAsTheirSchema(t *testing.T) {
	a, b := healedIn("a", 4, 4.2, 3.9, 40), healedIn("b", 6, 6.3, 0, 6.1)
	for name, sum := range map[string]any{"trials": sumUp(4, a), "comparison": compare(a, b)} {
		var schema map[string]any
		through(t, ResultSchemas[name](), &schema)
		var value any
		through(t, sum, &value)
		for _, wrong := range against(schema, schema, value, name) {
			t.Error(wrong)
		}
		if value.(map[string]any)["apiVersion"] = "axolotl.dev/v0"; len(against(schema, schema, value, name)) != 1 {
			t.Errorf("%s of another version passes", name)
		}
		if delete(value.(map[string]any), "trials"); name == "trials" && len(against(schema, schema, value, name)) != 2 {
			t.Error("trials that are missing are not found")
		}
	}
}

// What runs report is what the schema says: all that it wants is there, of the type
// that it names, and nothing that it does not know.
func TestReportsAreAsTheirSchema(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	var schema map[string]any
	through(t, ResultSchemas["report"](), &schema)
	combinedOne := parsed(t, combined)
	combinedOne.Steps = combinedOne.Steps[1:2]
	refused := deletion(t)
	refused.Target.Count = 2
	for name, e := range map[string]*Experiment{"healed": deletion(t), "combined": combinedOne, "refused": refused} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := runner(t, h).Run(t.Context(), e)
			var value any
			through(t, report, &value)
			for _, wrong := range against(schema, schema, value, "report") {
				t.Error(wrong)
			}
			if value.(map[string]any)["verdict"] = 7; len(against(schema, schema, value, "report")) != 1 {
				t.Error("a verdict that is a number is not found")
			}
			if delete(value.(map[string]any), "verdict"); len(against(schema, schema, value, "report")) != 1 {
				t.Error("a verdict that is missing is not found")
			}
		})
	}
}

// through makes of a value what a reader of its JSON has.
func through(t *testing.T, value, into any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// against says what is wrong with a value, by as much of JSON Schema as ours have.
func against(root, schema map[string]any, value any, at string) []string {
	if ref, ok := schema["$ref"].(string); ok {
		schema = root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	if choices, ok := schema["anyOf"].([]any); ok {
		var wrong []string
		for _, one := range choices {
			if wrong = against(root, one.(map[string]any), value, at); len(wrong) == 0 {
				return nil
			}
		}
		return wrong
	}
	kinds := map[string]bool{}
	var wrong []string
	switch v := value.(type) {
	case nil:
		kinds["null"] = true
	case bool:
		kinds["boolean"] = true
	case string:
		kinds["string"] = true
	case float64:
		kinds["number"], kinds["integer"] = true, v == float64(int64(v))
	case []any:
		kinds["array"] = true
		items, _ := schema["items"].(map[string]any)
		for i, item := range v {
			wrong = append(wrong, against(root, items, item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		kinds["object"] = true
		properties, _ := schema["properties"].(map[string]any)
		others, free := schema["additionalProperties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			property, known := properties[name].(map[string]any)
			switch {
			case known:
			case free:
				property = others
			case properties != nil:
				wrong = append(wrong, fmt.Sprintf("%s.%s is not in the schema", at, name))
				continue
			}
			wrong = append(wrong, against(root, property, v[name], at+"."+name)...)
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, there := v[name.(string)]; !there {
				wrong = append(wrong, fmt.Sprintf("%s.%s is missing", at, name))
			}
		}
	}
	if only, ok := schema["const"]; ok && value != only {
		wrong = append(wrong, fmt.Sprintf("%s is %v, and not %v", at, value, only))
	}
	if kind, ok := schema["type"].(string); ok && !kinds[kind] {
		wrong = append(wrong, fmt.Sprintf("%s is %v, and not a %s", at, value, kind))
	}
	return wrong
}
