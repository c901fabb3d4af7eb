package check

import (
	"slices"
	"testing"
)

func TestDiffering(t *testing.T) {
	before := map[string]any{
		"same": int64(1), "gone": "x", "moved": map[string]any{"a": int64(1), "b": int64(2)},
		"list": []any{map[string]any{"image": "old"}, "same"}, "longer": []any{"a"}, "kind": "text",
	}
	after := map[string]any{
		"same": int64(1), "new": "x", "moved": map[string]any{"a": int64(1), "b": int64(3)},
		"list": []any{map[string]any{"image": "new"}, "same"}, "longer": []any{"a", "b"}, "kind": []any{},
	}
	want := []string{"gone", "kind", "list[0].image", "longer", "moved.b", "new"}
	if got := differing("", before, after); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := differing("", before, before); got != nil {
		t.Errorf("an object differs from itself in %q", got)
	}
}
