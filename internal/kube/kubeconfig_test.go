package kube

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// adminConf writes a kubeconfig as kubeadm does, with one context.
func adminConf(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "admin.conf")
	write(t, path, `apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "https://127.0.0.1:16000"}}]
users: [{name: root, user: {token: secret}}]
contexts: [{name: root@lab, context: {cluster: lab, user: root}}]
current-context: root@lab
`)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// byHand is a kubeconfig that kubectl would write in another way.
const byHand = `# mine
apiVersion: v1
kind: Config
current-context: "prod"   # careful
users:
    - name: admin
      user: {token: 'not one'}   # rotated in May
clusters:
# the shop
- name: prod
  unknown: kept
  cluster:
    server:   https://prod.example.com

# the end of the list
contexts:
- context: {cluster: prod, user: admin, namespace: shop}
  name: prod
`

func TestOtherContentStaysByteForByte(t *testing.T) {
	byKubectl := strings.ReplaceAll(`apiVersion: v1
clusters:
- cluster:
    server: https://prod.example.com
  name: prod
contexts:
- context:
    cluster: prod
    user: admin
  name: prod
current-context: prod
kind: Config
preferences: {}
users:
- name: admin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      args: [get, "#1"]
      command: |-
        login
        - name: axolotl-a
      env: null
      interactiveMode: IfAvailable
      provideClusterInfo: false
`, "\r", "")
	tests := map[string]string{
		"by hand":               byHand,
		"by kubectl":            byKubectl,
		"no end of line":        strings.TrimSuffix(byKubectl, "\n") + "\n",
		"no current context":    strings.Replace(byKubectl, "current-context: prod", `current-context: ""`, 1),
		"another context last":  byKubectl + "extensions: []\n",
		"single quotes":         strings.Replace(byKubectl, "current-context: prod", "current-context: 'prod'", 1),
		"comments at the end":   byKubectl + "\n# the end\n",
		"nothing but a context": "contexts: [] # none\nclusters: []\nusers: []\ncurrent-context: ''\n",
	}
	for name, before := range tests {
		t.Run(name, func(t *testing.T) {
			source, path := adminConf(t), filepath.Join(t.TempDir(), "config")
			write(t, path, before)
			for _, context := range []string{"axolotl-a", "axolotl-b", "axolotl-a"} {
				if err := MergeContext(path, source, context); err != nil {
					t.Fatal(err)
				}
			}
			config, err := clientcmd.LoadFromFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, context := range []string{"axolotl-a", "axolotl-b"} {
				got := config.Contexts[context]
				if got == nil || config.Clusters[got.Cluster].Server != "https://127.0.0.1:16000" || config.AuthInfos[got.AuthInfo].Token != "secret" {
					t.Fatalf("no whole context %s in\n%s", context, read(t, path))
				}
			}
			if config.CurrentContext != "axolotl-a" {
				t.Errorf("current is %q", config.CurrentContext)
			}
			merged := read(t, path)
			for line := range strings.Lines(before) {
				if !strings.Contains(line, "current-context") && !strings.Contains(line, "[]") && !strings.Contains(merged, line) {
					t.Errorf("lost: %q", line)
				}
			}
			// The last one made goes first, as a person would.
			for _, context := range []string{"axolotl-b", "axolotl-a", "axolotl-a"} {
				if err := RemoveContext(path, context); err != nil {
					t.Fatal(err)
				}
			}
			if after := read(t, path); strings.ReplaceAll(after, " # none", "") != strings.ReplaceAll(before, " # none", "") {
				t.Errorf("it was\n%s\nand is now\n%s", before, after)
			}
		})
	}
}

func TestCurrentContextIsPutBack(t *testing.T) {
	current := func(path string) string {
		config, err := clientcmd.LoadFromFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return config.CurrentContext
	}
	tests := map[string]struct {
		edit func(text string) string // by the user, between up and down
		want string
	}{
		"nothing happened":       {func(s string) string { return s }, "prod"},
		"another was chosen":     {func(s string) string { return strings.Replace(s, `"axolotl-a"`, "other", 1) }, "other"},
		"the one before is gone": {func(s string) string { return strings.ReplaceAll(s, "\n  name: prod\n", "\n  name: moved\n") }, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			write(t, path, byHand)
			if err := MergeContext(path, adminConf(t), "axolotl-a"); err != nil {
				t.Fatal(err)
			}
			write(t, path, test.edit(read(t, path)))
			if err := RemoveContext(path, "axolotl-a"); err != nil {
				t.Fatal(err)
			}
			if got := current(path); got != test.want {
				t.Errorf("current is %q, want %q, in\n%s", got, test.want, read(t, path))
			}
		})
	}
}

// Where lines cannot be told apart, as in JSON, entries keep their values.
func TestOtherLayouts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, `{"kind": "Config", "apiVersion": "v1", "current-context": "prod",
"clusters": [{"name": "prod", "cluster": {"server": "https://prod"}}], "users": [],
"contexts": [{"name": "prod", "context": {"cluster": "prod"}}]}`)
	if err := MergeContext(path, adminConf(t), "axolotl-a"); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.LoadFromFile(path)
	if err != nil || config.Clusters["prod"].Server != "https://prod" || config.Contexts["axolotl-a"] == nil {
		t.Errorf("%v in\n%s", err, read(t, path))
	}
	if err := RemoveContext(path, "axolotl-a"); err != nil {
		t.Fatal(err)
	}
	config, err = clientcmd.LoadFromFile(path)
	if err != nil || len(config.Contexts) != 1 || config.CurrentContext != "prod" {
		t.Errorf("%v in\n%s", err, read(t, path))
	}
}

func TestKubeconfigIsOfItsOwnerOnlyAndLinksStay(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "deep", "link")
	write(t, real, byHand) // readable by all
	if err := os.Mkdir(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "a", "b", "config")
	for _, path := range []string{link, missing} {
		if err := MergeContext(path, adminConf(t), "axolotl-a"); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{real, missing} {
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became %v, %v", info, err)
	}
	if err := RemoveContext(filepath.Join(dir, "none", "config"), "axolotl-a"); err != nil {
		t.Errorf("no file: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory was made to remove nothing")
	}
}

func TestDamagedKubeconfigStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	const damaged = "contexts: [\n"
	write(t, path, damaged)
	if err := MergeContext(path, adminConf(t), "axolotl-a"); err == nil || !strings.Contains(err.Error(), "fix it or set KUBECONFIG") {
		t.Errorf("error %v", err)
	}
	if got := read(t, path); got != damaged {
		t.Errorf("it became %q", got)
	}
	if _, err := os.Stat(path + ".lock"); err == nil {
		t.Error("the lock stayed")
	}
}

// Many writers at once lose nothing of one another's.
func TestWritersTakeTurns(t *testing.T) {
	source, path := adminConf(t), filepath.Join(t.TempDir(), "config")
	write(t, path, byHand)
	const writers = 8
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			if err := MergeContext(path, source, fmt.Sprintf("axolotl-%d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	config, err := clientcmd.LoadFromFile(path)
	if err != nil || len(config.Contexts) != writers+1 {
		t.Errorf("%d contexts, %v", len(config.Contexts), err)
	}
}

func TestUserKubeconfig(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	t.Setenv("KUBECONFIG", first+string(os.PathListSeparator)+second)
	if got := UserKubeconfig(); got != second {
		t.Errorf("none is there: %s", got)
	}
	write(t, first, "")
	write(t, second, "")
	if got := UserKubeconfig(); got != first {
		t.Errorf("both are there: %s", got)
	}
}
