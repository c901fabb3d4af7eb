// Package bug makes an error of a panic: one that ends a goroutine ends the process,
// whatever else is at work in it, and nothing of that is undone.
package bug

import (
	"fmt"
	"runtime/debug"
)

// Error is the error of a panic, with the stack, or nil where there was none. It is
// called by a deferred function with what recover returned.
func Error(recovered any) error {
	if recovered == nil {
		return nil
	}
	return fmt.Errorf("panic, which is a bug: %v\n%s", recovered, debug.Stack())
}
