package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// Bounds of an expression. The cost is CEL's own measure: one for an
// operation, a tenth for a byte that a text function goes over; the limit is
// about ten milliseconds of work.
const (
	maxExpression = 4096 // characters
	maxNesting    = 3    // all() within exists() within map()
	maxRegexp     = 2000 // instructions of a compiled regular expression
	costLimit     = 1_000_000
)

// Type is the type of a variable of an expression.
type Type = cel.Type

// The types that variables have.
var (
	ObjectType  = cel.MapType(cel.StringType, cel.DynType) // one Kubernetes object
	ObjectsType = cel.ListType(ObjectType)
	StringType  = cel.StringType
	TextsType   = cel.ListType(cel.StringType)
	IntType     = cel.IntType
	TimeType    = cel.TimestampType
	AnyType     = cel.DynType
)

// Result is what an expression must yield.
type Result int

// An assertion yields true or false, a value anything.
const (
	Assertion Result = iota
	Value
)

// Expression is a compiled CEL expression. It is safe for concurrent use.
type Expression struct {
	source  string
	ast     *cel.Ast
	program cel.Program
}

// Issue is what is wrong with an expression, and where in its text; both
// count from 1, columns in characters.
type Issue struct {
	Line, Column int
	Message      string
}

// Issues are all that is wrong with an expression.
type Issues []Issue

// Error lists the issues.
func (i Issues) Error() string {
	texts := make([]string, len(i))
	for n, issue := range i {
		texts[n] = fmt.Sprintf("%d:%d: %s", issue.Line, issue.Column, issue.Message)
	}
	return strings.Join(texts, "; ")
}

// Compile checks an expression against the names and types of its variables.
// The variable "now", a timestamp, is always there. The error is of type
// Issues.
func Compile(source string, result Result, variables map[string]*Type) (*Expression, error) {
	options := []cel.EnvOption{
		cel.OptionalTypes(),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(64),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
			cel.ValidateRegexLiterals(),
			cel.ValidateRegexProgramSizeLimit(maxRegexp),
			cel.ValidateComprehensionNestingLimit(maxNesting),
		),
		cel.Variable("now", cel.TimestampType),
	}
	for name, t := range variables {
		options = append(options, cel.Variable(name, t))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, Issues{{1, 1, err.Error()}}
	}
	ast, issues := env.Compile(source)
	if issues.Err() != nil {
		return nil, translate(source, issues, variables)
	}
	if t := ast.OutputType(); result == Assertion && !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, Issues{{1, 1, fmt.Sprintf("the expression yields %s; it must say true or false, so compare it with something", t)}}
	}
	program, err := env.Program(ast,
		cel.EvalOptions(cel.OptTrackState, cel.OptTrackCost),
		cel.CostLimit(costLimit),
		cel.CostTracking(costs{}),
		cel.InterruptCheckFrequency(100),
	)
	if err != nil {
		return nil, Issues{{1, 1, err.Error()}}
	}
	return &Expression{source: strings.Join(strings.Fields(source), " "), ast: ast, program: program}, nil
}

// costs are those that CEL puts too low.
type costs struct{}

// CallCost implements cost.ActualCostEstimator. Of a list put behind another each
// element is an operation, where CEL counts one for them all: whoever compares the
// sum goes over every one of them, and cannot be stopped.
func (costs) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	if function != operators.Add {
		return nil
	}
	added, ok := args[1].(traits.Lister)
	if !ok {
		return nil
	}
	size, ok := added.Size().(types.Int)
	if !ok {
		return nil
	}
	elements := uint64(max(1, size))
	return &elements
}

// String is the expression in one line.
func (e *Expression) String() string { return e.source }

// Eval computes the value, as JSON has them (with int64 for whole numbers).
// An expression that exceeds its cost is an error that no waiting mends.
func (e *Expression) Eval(ctx context.Context, variables map[string]any) (any, error) {
	value, _, err := e.eval(ctx, variables)
	return value, err
}

// Holds returns nil where the expression is true, *Unmet where it is false,
// with the values that it looked at, else the reason why it is neither. That it
// yields a text, a number or an object is an error that no waiting mends: a field
// keeps its type, where it is not null before it is set.
func (e *Expression) Holds(ctx context.Context, variables map[string]any) error {
	value, seen, err := e.eval(ctx, variables)
	if err != nil {
		return err
	}
	switch value {
	case true:
		return nil
	case false:
		return &Unmet{Expected: e.source, Seen: seen}
	case nil:
		return &Unclear{Expected: e.source, Seen: seen, Err: errors.New("it is null, which is neither true nor false")}
	}
	return Permanent(fmt.Errorf("%q yields %s, which is neither true nor false; compare it with something", e.source, brief(value)))
}

func (e *Expression) eval(ctx context.Context, variables map[string]any) (any, []string, error) {
	activation := map[string]any{"now": time.Now()}
	for name, value := range variables {
		activation[name] = value
	}
	out, details, err := e.program.ContextEval(ctx, activation)
	if err != nil {
		var cancelled interpreter.EvalCancelledError
		if errors.As(err, &cancelled) {
			if cancelled.Cause == interpreter.CostLimitExceeded {
				return nil, nil, Permanent(fmt.Errorf("%q costs more than an expression may; make it simpler", e.source))
			}
			return nil, nil, context.Cause(ctx)
		}
		return nil, nil, &Unclear{Expected: e.source, Err: err, Seen: e.seen(details)}
	}
	left := maxElements
	value, err := left.native(out)
	if errors.Is(err, errTooMuch) {
		return nil, nil, Permanent(fmt.Errorf("%q yields more than an expression may; make it simpler", e.source))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%q: %w", e.source, err)
	}
	return value, e.seen(details), nil
}

func translate(source string, issues *cel.Issues, variables map[string]*Type) Issues {
	var all Issues
	for _, e := range issues.Errors() {
		line, column := max(1, e.Location.Line()), e.Location.Column()+1
		message := strings.ReplaceAll(e.Message, " (in container '')", "")
		if name, ok := strings.CutPrefix(message, "undeclared reference to "); ok {
			name = strings.ReplaceAll(name, "'", `"`)
			if path := pathAt(source, line, column); isScope(path, variables) {
				name = strconv.Quote(path)
			}
			message = fmt.Sprintf("unknown name %s; known here: %s", name, names(variables))
		}
		all = append(all, Issue{line, column, message})
	}
	return all
}

var pathPattern = regexp.MustCompile(`^\w+(?:\.\w+)?`)

// pathAt is the name at a place, with one field: variables may have names of
// two parts ("vars.victim"), of which CEL complains of the first only.
func pathAt(source string, line, column int) string {
	lines := strings.Split(source, "\n")
	if line > len(lines) {
		return ""
	}
	text := []rune(lines[line-1])
	return pathPattern.FindString(string(text[min(column-1, len(text)):]))
}

// isScope says whether the first part of a path is that of a variable's name.
func isScope(path string, variables map[string]*Type) bool {
	scope, _, ok := strings.Cut(path, ".")
	for name := range variables {
		if ok && strings.HasPrefix(name, scope+".") {
			return true
		}
	}
	return false
}

func names(variables map[string]*Type) string {
	all := []string{"now"}
	for name := range variables {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// brief writes a value in one line of bounded length.
func brief(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return shorten(string(data))
}

func shorten(text string) string {
	const limit = 160
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
