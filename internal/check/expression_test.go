package check

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

var objectVariables = map[string]*Type{"object": ObjectType}

func compile(t *testing.T, source string) *Expression {
	t.Helper()
	e, err := Compile(source, Assertion, objectVariables)
	if err != nil {
		t.Fatalf("compile %q: %v", source, err)
	}
	return e
}

func deployment(ready int64) map[string]any {
	return map[string]any{"object": map[string]any{
		"metadata": map[string]any{"name": "web", "labels": map[string]any{"app": "web"}},
		"spec":     map[string]any{"replicas": int64(3)},
		"status":   map[string]any{"readyReplicas": ready},
	}}
}

func TestHoldsSaysWhatItLookedAt(t *testing.T) {
	e := compile(t, "object.status.readyReplicas == object.spec.replicas && object.metadata.labels['app'] == 'web'")
	if err := e.Holds(context.Background(), deployment(3)); err != nil {
		t.Fatalf("3 of 3: %v", err)
	}
	err := e.Holds(context.Background(), deployment(2))
	want := "seen: object.status.readyReplicas = 2, object.spec.replicas = 3"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("2 of 3:\n got %v\nwant …%s", err, want)
	}
}

func TestMissingFieldIsNotAnAnswer(t *testing.T) {
	e := compile(t, "object.status.noSuchField == 3")
	err := e.Holds(context.Background(), deployment(3))
	var unclear *Unclear
	if !errors.As(err, &unclear) {
		t.Fatalf("got %v, want *Unclear", err)
	}
	inner := Func("inner", func(ctx context.Context) error { return e.Holds(ctx, deployment(3)) })
	if err := Not(inner).Check(context.Background()); err == nil {
		t.Error("Not turned an expression that cannot be evaluated into success")
	}
}

func TestCompileIssuesHavePositions(t *testing.T) {
	for source, want := range map[string]string{
		"object.spec ==":       "1:15: ",
		"objct.spec == 1":      `1:1: unknown name "objct" (did you mean "object"?); known here: now, object`,
		"object.metadata.name": "", // dyn: judged when it runs
		"'text'":               "1:1: the expression yields string; it must say true or false",
		"object == 1":          "1:8: found no matching overload for '_==_'",
		"true &&\n  object.x.matches('(') && true":             "2:20: invalid matches argument",
		"duration('5 parsecs') > duration('1s')":               "1:10: invalid duration argument",
		"[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))": "comprehension exceeds nesting limit",
		strings.Repeat("true && ", 1000) + "true":              "expression code point size exceeds limit",
		"object.x.matches('((a{100}){100}){100}')":             "invalid matches argument",
	} {
		_, err := Compile(source, Assertion, objectVariables)
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", source, err)
			}
			continue
		}
		var issues Issues
		if !errors.As(err, &issues) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q:\n got %v\nwant …%s…", source, err, want)
		}
	}
}

// What is neither true nor false stays so, but for what is not set yet.
func TestNoTruthValueEndsTheWait(t *testing.T) {
	e := compile(t, "object.data.k")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	values := []any{nil, nil, "yes"}
	looks := 0
	c := Func("k", func(ctx context.Context) error {
		value := values[min(looks, len(values)-1)]
		looks++
		return e.Holds(ctx, map[string]any{"object": map[string]any{"data": map[string]any{"k": value}}})
	})
	err := Wait(ctx, c, time.Millisecond, nil)
	if err == nil || ctx.Err() != nil || looks != 3 || !strings.Contains(err.Error(), `"object.data.k" yields "yes", which is neither true nor false`) {
		t.Errorf("after %d looks: %v", looks, err)
	}
	values = []any{nil, true}
	looks = 0
	if err := Wait(ctx, c, time.Millisecond, nil); err != nil {
		t.Error(err)
	}
}

// Where the type is known it is told before anything is done.
func TestKnownTypeThatIsNoTruthValue(t *testing.T) {
	for _, source := range []string{"object", "object.metadata.name + 'x' == 'y' ? 'a' : 'b'", "size(object.items)", "'k' in object ? 1 : 2", "[object]", "now"} {
		var issues Issues
		if _, err := Compile(source, Assertion, objectVariables); !errors.As(err, &issues) || !strings.Contains(err.Error(), "must say true or false") {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestCostLimitEndsTheWait(t *testing.T) {
	list := make([]any, 2000)
	for i := range list {
		list[i] = int64(i)
	}
	e, err := Compile("list.all(a, list.all(b, list.all(c, a + b + c >= 0)))", Assertion, map[string]*Type{"list": AnyType})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c := Func("costly", func(ctx context.Context) error { return e.Holds(ctx, map[string]any{"list": list}) })
	err = Wait(ctx, c, time.Millisecond, nil)
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "costs more") {
		t.Errorf("got %v, want the cost error before the deadline", err)
	}
}

// A pattern that takes other engines as many steps as there are ways to split
// the text, 2^60, takes this one as many as the text is long.
// What is shared costs CEL nothing, and would be written out, or gone over, a billion
// times.
func TestValueDoesNotExplode(t *testing.T) {
	repeated := func(what, with string, times int) string {
		return strings.TrimSuffix(strings.Repeat(what+with, times), with)
	}
	sum := repeated("("+repeated("a", "+", 24)+")", "+", 24)
	list := "[" + repeated("a", ",", 300) + "]"
	most := "[object.items]" + strings.Repeat(".map(a, "+repeated("("+repeated("a", "+", 12)+")", "+", 12)+")", 3)
	for name, source := range map[string]string{
		"compared":     most + " == " + most,
		"concatenated": "[object.items]" + strings.Repeat(".map(a, "+sum+")", 3) + "[0]",
		"nested":       "[object.items]" + strings.Repeat(".map(a, "+list+")", 3),
		"long":         "['0123456789'].map(a, " + sum + ").map(a, " + sum + ").map(a, " + list + ")",
	} {
		t.Run(name, func(t *testing.T) {
			e, err := Compile(source, Value, objectVariables)
			if err != nil {
				t.Fatal(err)
			}
			variables := map[string]any{"object": map[string]any{"items": []any{int64(1), int64(2)}}}
			condition := Func("it yields", func(ctx context.Context) error { _, err := e.Eval(ctx, variables); return err })
			begun := time.Now()
			err = Wait(t.Context(), condition, time.Millisecond, nil)
			if err == nil || !strings.Contains(err.Error(), "than an expression may") {
				t.Errorf("got %.200v", err)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestPatternDoesNotExplode(t *testing.T) {
	for _, source := range []string{"object.x.matches('^(a+)+$')", "object.x.matches('^(a|a|aa)*$')", "object.x.matches('(.*a){20}b')"} {
		e, err := Compile(source, Assertion, objectVariables)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err = e.Holds(ctx, map[string]any{"object": map[string]any{"x": strings.Repeat("a", 60) + "!"}})
		if err == nil || ctx.Err() != nil {
			t.Errorf("%s: %v; want that it does not match, and soon", source, err)
		}
	}
}

func TestValueIsPlain(t *testing.T) {
	e, err := Compile("{'name': object.metadata.name, 'n': [object.spec.replicas, 1.5, null], 'none': object.?nothing}", Value, objectVariables)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Eval(context.Background(), deployment(3))
	if err != nil {
		t.Fatal(err)
	}
	if text := brief(got); text != `{"n":[3,1.5,null],"name":"web","none":null}` {
		t.Errorf("got %s", text)
	}
}

func TestStaysStartsAnew(t *testing.T) {
	now := time.Unix(0, 0)
	holds := true
	inner := Func("so", func(context.Context) error {
		if holds {
			return nil
		}
		return &Unmet{Expected: "so"}
	})
	s := Stays(inner, 5*time.Second, func() time.Time { return now })
	steps := []struct {
		after time.Duration
		holds bool
		done  bool
	}{{0, true, false}, {4 * time.Second, true, false}, {time.Second / 2, false, false}, {time.Second, true, false}, {4 * time.Second, true, false}, {time.Second, true, true}}
	for i, step := range steps {
		now, holds = now.Add(step.after), step.holds
		if done := s.Check(context.Background()) == nil; done != step.done {
			t.Errorf("look %d: holds is %v, want %v", i, done, step.done)
		}
	}
}

func TestNotWantsProof(t *testing.T) {
	broken := errors.New("connection refused")
	for _, c := range []struct {
		inner error
		holds bool
	}{{nil, false}, {&Unmet{Expected: "x"}, true}, {broken, false}} {
		err := Not(Func("x", func(context.Context) error { return c.inner })).Check(context.Background())
		if (err == nil) != c.holds {
			t.Errorf("not of %v: %v", c.inner, err)
		}
	}
}
