package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm/image"
)

// TestMain makes this test binary axolotl itself where it is called by that
// name, as scripts do, and as the supervisor of a local cluster is started.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"axolotl": func() { go endWith(os.Getenv(testVariable)); main() }})
}

// TestScripts types what stands in testdata/script and reads what a person
// would. What a script has, beside testscript's own commands, stands in
// scriptCommands.
func TestScripts(t *testing.T) {
	home, err := store.FindHome()
	if err != nil {
		t.Fatal(err)
	}
	if !testing.Short() {
		buildPrograms(t, home)
	}
	t.Parallel() // beside TestInCluster, which mostly waits
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		Cmds:               scriptCommands,
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Defer(func() { endAll(t, env.WorkDir) })
			return enclose(env, home)
		},
	})
}

// buildPrograms builds what local clusters run, where it is not in the user's
// cache: scripts, which have another home, could not.
func buildPrograms(t *testing.T, home store.Home) {
	t.Helper()
	step := term.NewProgress(t.Output(), false).Start("build the programs of simulated clusters")
	for _, binary := range []image.Binary{image.Node, image.Kwok} {
		if _, err := binary.Ensure(t.Context(), home, step); err != nil {
			t.Fatal(err)
		}
	}
}

// enclose gives a script a world of its own, all under its directory, except
// for the cache of the user, where the programs are.
func enclose(env *testscript.Env, home store.Home) error {
	cache := filepath.Join(env.WorkDir, "cache")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(home.Cache, filepath.Join(cache, "axolotl")); err != nil {
		return err
	}
	state := filepath.Join(env.WorkDir, "state")
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("XDG_CACHE_HOME", cache)
	env.Setenv("XDG_STATE_HOME", state)
	env.Setenv("CLUSTERS", store.Home{State: filepath.Join(state, "axolotl")}.Clusters())
	env.Setenv("GOLDENS", store.Home{Cache: filepath.Join(cache, "axolotl")}.Goldens())
	env.Setenv("KUBECONFIG", filepath.Join(env.WorkDir, "kubeconfig"))
	env.Setenv(testVariable, strconv.Itoa(os.Getpid()))
	env.Setenv("LIBVIRT_AUTOSTART", "0") // down asks for leftovers; no daemon is started for that
	return nil
}
