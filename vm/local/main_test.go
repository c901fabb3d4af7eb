package local_test

import (
	"fmt"
	"os"
	"testing"
)

// TestMain has nothing be left outside of the clusters' directories, which go
// with their tests.
func TestMain(m *testing.M) { os.Exit(leavingNothing(m)) }

func leavingNothing(m *testing.M) int {
	temp, err := os.MkdirTemp("", "axolotl-local-*")
	if err == nil {
		defer os.RemoveAll(temp)
		err = os.Setenv("TMPDIR", temp)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		fmt.Fprintf(os.Stderr, "files outside of the clusters' directories: %v, %v\n", left, err)
		return 1
	}
	return code
}
