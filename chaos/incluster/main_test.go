package incluster

import (
	"os"
	"testing"

	"axolotl/internal/kube"
	"axolotl/vm"
	"axolotl/vm/local/localtest"
)

// shared is a real API server with two simulated nodes; nil under -short.
var shared *vm.Handle

func TestMain(m *testing.M) { os.Exit(localtest.Main(m, 2, func(h *vm.Handle) { shared = h })) }

// applied is a cluster with the manifests for a namespace in it, and those that
// may be broken.
func applied(t *testing.T, m Manifests) *kube.Client {
	t.Helper()
	if shared == nil {
		t.Skip("needs an API server")
	}
	client := shared.Kube
	for _, target := range append([]string{m.Namespace}, m.Targets...) {
		made(t, client, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+target+"}")
	}
	text, err := m.YAML()
	if err != nil {
		t.Fatal(err)
	}
	made(t, client, string(text))
	return client
}

func made(t *testing.T, client *kube.Client, text string) {
	t.Helper()
	objects, err := kube.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Apply(t.Context(), "", objects...); err != nil {
		t.Fatal(err)
	}
}
