package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axolotl/vm"
)

func TestConsoleEnds(t *testing.T) {
	c := &vm.Cluster{Dir: t.TempDir(), Machines: []vm.Machine{{Name: "cp-1"}, {Name: "worker-1"}, {Name: "worker-2"}}}
	for name, text := range map[string]string{"cp-1": "login:", "worker-1": strings.Repeat("x", 1000) + "\n\x1b[31mpanic\n"} {
		path := c.Path("machines", name, "console.log")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := ConsoleEnds(c)
	if !strings.HasPrefix(got, `the console of cp-1 ends with "login:"; the console of worker-1 ends with "xxx`) || !strings.HasSuffix(got, `xx\n\x1b[31mpanic"`) {
		t.Errorf("%s", got)
	}
	if got := ConsoleEnds(c, "cp-1", "worker-2"); got != `the console of cp-1 ends with "login:"` {
		t.Errorf("of two: %s", got)
	}
	if len(got) > 500 {
		t.Errorf("%d bytes", len(got))
	}
}
