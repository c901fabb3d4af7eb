package kube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// A context of a cloud: its CA in a file beside, a program for credentials,
// and a cluster that must not come along.
const cloudConfig = `apiVersion: v1
kind: Config
current-context: production
contexts:
- {name: production, context: {cluster: production, user: admin}}
- {name: staging, context: {cluster: staging, user: cloud, namespace: shop}}
clusters:
- {name: production, cluster: {server: 'https://production:6443'}}
- {name: staging, cluster: {server: 'https://staging:6443', certificate-authority: ca.crt}}
users:
- {name: admin, user: {token: secret-of-production}}
- name: cloud
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./get-token
      args: [--cluster, staging]
      env: [{name: CLOUD_PROFILE, value: me}]
      interactiveMode: Never
`

func TestCopyContext(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("ca.crt", "the authority")
	list := strings.Join([]string{filepath.Join(dir, "missing"), write("config", cloudConfig)}, string(filepath.ListSeparator))

	data, err := CopyContext(list, "staging")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	if config.CurrentContext != "staging" || len(config.Contexts) != 1 || len(config.Clusters) != 1 || len(config.AuthInfos) != 1 {
		t.Errorf("copied %s", data)
	}
	if strings.Contains(string(data), "secret-of-production") {
		t.Error("another user's secret came along")
	}
	cluster := config.Clusters["staging"]
	if cluster.Server != "https://staging:6443" || string(cluster.CertificateAuthorityData) != "the authority" || cluster.CertificateAuthority != "" {
		t.Errorf("cluster %+v", cluster)
	}
	// Relative to where it stood, as kubectl runs it.
	exec := config.AuthInfos["cloud"].Exec
	if exec == nil || exec.Command != filepath.Join(dir, "get-token") || len(exec.Args) != 2 || len(exec.Env) != 1 {
		t.Errorf("program %+v", exec)
	}

	for name, test := range map[string]struct{ files, context, want string }{
		"unknown context": {list, "dev", `no context "dev"; it has "production", "staging"`},
		"no such file":    {filepath.Join(dir, "missing"), "dev", `no context "dev"; it has none`},
		"no kubeconfig":   {write("broken", "{"), "dev", "broken"},
		"no cluster": {write("half", "{apiVersion: v1, kind: Config, contexts: [{name: a, context: {cluster: b, user: c}}]}"),
			"a", `context "a"`},
		"CA file is gone": {write("lost", strings.ReplaceAll(cloudConfig, "ca.crt", "lost.crt")), "staging", "lost.crt"},
	} {
		if _, err := CopyContext(test.files, test.context); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
