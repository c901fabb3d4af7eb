package check

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// seen lists what an expression looked at and the values that were there:
// "object.status.readyReplicas = 2". What was not evaluated, because an
// earlier operand decided, is not listed.
func (e *Expression) seen(details *cel.EvalDetails) []string {
	if details == nil || details.State() == nil {
		return nil
	}
	tree := e.ast.NativeRep()
	left := maxElements // for all of them
	var lines []string
	add := func(node ast.Expr) {
		value, known := details.State().Value(node.ID())
		if !known {
			return
		}
		text, err := cel.ExprToString(node, tree.SourceInfo())
		if err != nil {
			return
		}
		if types.IsError(value) {
			lines = append(lines, text+" is not there")
			return
		}
		if v, err := left.native(value); err == nil {
			lines = append(lines, fmt.Sprintf("%s = %s", text, brief(v)))
		}
	}
	walkReads(tree.Expr(), add)
	return lines
}

// walkReads calls visit for the largest subexpressions that read something:
// a path, a function's result. Whole objects are left out, and what stands
// inside a comprehension, where there is one value for each element.
func walkReads(node ast.Expr, visit func(ast.Expr)) {
	switch node.Kind() {
	case ast.SelectKind:
		visit(node)
	case ast.IdentKind:
		if name := node.AsIdent(); name != "object" && name != "objects" && name != "events" {
			visit(node)
		}
	case ast.CallKind:
		call := node.AsCall()
		if isOperator(call.FunctionName()) {
			for _, arg := range call.Args() {
				walkReads(arg, visit)
			}
			return
		}
		visit(node)
	}
}

// isOperator tells what only combines other values: CEL names operators with
// a character that no function has ("_==_", "!_", "@in"). Indexing and optional
// access read something.
func isOperator(name string) bool {
	switch name {
	case "_[_]", "_[?_]", "_?._":
		return false
	}
	return name[0] == '_' || name[0] == '!' || name[0] == '-' || name[0] == '@'
}

// elements are how many a value may yet have when it is written out. CEL shares
// what stands in a list more than once and counts it once, so that a short
// expression yields more than a machine's memory holds.
type elements int

const maxElements elements = 100_000

// perElement is how many bytes of a text count as one more element.
const perElement = 100

var errTooMuch = errors.New("there is more of it than a value may have")

// take counts one more element, and what it is long.
func (left *elements) take(text string) error {
	*left -= elements(1 + len(text)/perElement)
	if *left < 0 {
		return errTooMuch
	}
	return nil
}

// native turns CEL's value into Go's: string, bool, int64, float64, nil, and
// lists and maps of them. Times and durations become their text.
func (left *elements) native(value ref.Val) (any, error) {
	if text, ok := value.(types.String); ok {
		return string(text), left.take(string(text))
	}
	if err := left.take(""); err != nil {
		return nil, err
	}
	switch v := value.(type) {
	case types.Bool:
		return bool(v), nil
	case types.Int:
		return int64(v), nil
	case types.Uint:
		return int64(v), nil
	case types.Double:
		return float64(v), nil
	case types.Null:
		return nil, nil
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil
		}
		return left.native(v.GetValue())
	case traits.Mapper:
		m := map[string]any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			element, err := left.native(v.Get(key))
			if err != nil {
				return nil, err
			}
			m[fmt.Sprint(key.Value())] = element
		}
		return m, nil
	case traits.Lister:
		list := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			element, err := left.native(it.Next())
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		return list, nil
	}
	if text, ok := value.ConvertToType(types.StringType).(types.String); ok {
		return string(text), left.take(string(text))
	}
	return nil, fmt.Errorf("a value of type %s is of no use here", value.Type().TypeName())
}
