package addon

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
	"axolotl/vm/local/localtest"
)

// handle is the cluster of all tests here: a real API server and controllers,
// simulated nodes, on which pods become ready that do nothing.
var handle *vm.Handle

func TestMain(m *testing.M) { os.Exit(localtest.Main(m, 2, func(h *vm.Handle) { handle = h })) }

func needCluster(t *testing.T) {
	t.Helper()
	if handle == nil {
		t.Skip("needs a cluster")
	}
}

func quiet() *term.Step { return term.NewProgress(io.Discard, true).Start("test") }

// loading is the cluster as if its nodes were machines; each archive that they
// are given is told to got, or got's error is the machines'.
func loading(t *testing.T, got func(archive []byte) error) *vm.Handle {
	home := store.Home{State: t.TempDir(), Cache: t.TempDir()}
	h := *handle
	h.LoadImages = func(_ context.Context, write func(store.Home, string) error, _ *term.Step) error {
		path := home.State + "/images.tar"
		if err := write(home, path); err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return got(data)
	}
	return &h
}

// tiny is an add-on with a program that takes no time to compile.
func tiny(of Addon) *Addon {
	of.Image.Program = image.Binary{Name: "tiny", LDFlags: "-s -w", Source: fstest.MapFS{
		"go.mod":  {Data: []byte("module tiny\n\ngo 1.26.0\n")},
		"main.go": {Data: []byte("package main\n\nfunc main() {}\n")},
	}}
	of.serving = nil // nothing answers here
	return &of
}

func TestManifestsAreTaken(t *testing.T) {
	needCluster(t)
	for _, a := range All {
		t.Run(a.Name, func(t *testing.T) {
			objects, err := a.objects()
			if err != nil {
				t.Fatal(err)
			}
			if a.complete != nil {
				if err := a.complete("default", objects); err != nil {
					t.Fatal(err)
				}
			}
			for _, object := range objects {
				if object.GetLabels()[Label] != a.Name {
					t.Errorf("%s %s lacks the label", object.GetKind(), object.GetName())
				}
				if object.GetNamespace() == a.Namespace() {
					object.SetNamespace("default") // there is no other for a dry run
				}
				if _, err := handle.Kube.DryRun(t.Context(), "default", object); err != nil {
					t.Error(err)
				}
			}
			text := strings.ToLower(a.manifest)
			for _, refused := range []string{"insecure", "skip-tls", "skipverify", "@unknown@"} {
				if strings.Contains(text, refused) {
					t.Errorf("its manifest says %q", refused)
				}
			}
		})
	}
}

// leftOver are the objects of an add-on that exist.
func leftOver(t *testing.T, a *Addon) []string {
	t.Helper()
	objects, err := a.objects()
	if err != nil {
		t.Fatal(err)
	}
	namespace := &unstructured.Unstructured{}
	namespace.SetGroupVersionKind(namespaceKind)
	namespace.SetName(a.Namespace())
	var there []string
	for _, object := range append(objects, namespace) {
		resource, _, err := handle.Kube.Resource(object.GroupVersionKind(), object.GetNamespace())
		if err != nil {
			t.Fatal(err)
		}
		_, err = resource.Get(context.WithoutCancel(t.Context()), object.GetName(), metav1.GetOptions{})
		if err == nil {
			there = append(there, object.GetKind()+" "+object.GetName())
		} else if !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	return there
}

// Whoever comes first has it installed, whoever leaves last has it removed. One
// after another: no namespace goes while metrics are installed whose server, a
// simulated pod, does not answer.
func TestUseAndRelease(t *testing.T) {
	needCluster(t)
	for _, original := range All {
		t.Run(original.Name, func(t *testing.T) {
			a := tiny(*original)
			var archive []byte
			h := loading(t, func(data []byte) error { archive = data; return nil })
			if reason, err := a.Missing(t.Context(), h); reason != "" || err != nil {
				t.Fatalf("missing: %q, %v", reason, err)
			}
			for _, user := range []string{"one", "two", "two"} {
				if err := a.Use(t.Context(), h, user, quiet()); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Contains(archive, []byte(a.Image.Ref)) {
				t.Errorf("the machines were given %d bytes without %s", len(archive), a.Image.Ref)
			}
			users, installed, err := a.Users(t.Context(), h.Kube)
			if err != nil || !installed || !slices.Equal(users, []string{"one", "two"}) {
				t.Errorf("used by %v, installed %t, error %v", users, installed, err)
			}
			objects, err := a.objects()
			if err != nil {
				t.Fatal(err)
			}
			if there := leftOver(t, a); len(there) != len(objects)+1 {
				t.Errorf("installed are only %v", there)
			}
			if err := a.Release(t.Context(), h, "two"); err != nil {
				t.Fatal(err)
			}
			if there := leftOver(t, a); len(there) != len(objects)+1 {
				t.Errorf("somebody uses it, and there are only %v", there)
			}
			for range 2 { // the second time there is none
				if err := a.Release(t.Context(), h, "one"); err != nil {
					t.Fatal(err)
				}
			}
			if there := leftOver(t, a); there != nil {
				t.Errorf("left: %v", there)
			}
		})
	}
}

// Whoever is done with one does not wait until another is there.
func TestReleaseWhileAnotherComes(t *testing.T) {
	needCluster(t)
	used, coming := tiny(storage), tiny(ingress)
	used.Name, coming.Name = "used", "coming"
	h := loading(t, func([]byte) error { return nil })
	if err := used.Use(t.Context(), h, "one", quiet()); err != nil {
		t.Fatal(err)
	}
	began, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	slow := loading(t, func([]byte) error {
		close(began)
		<-goOn
		return errors.New("the machines are off")
	})
	go func() { ended <- coming.Use(t.Context(), slow, "two", quiet()) }()
	select {
	case <-began:
	case err := <-ended:
		t.Fatalf("it was there at once: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := used.Release(ctx, h, "one"); err != nil {
		t.Error(err)
	}
	close(goOn)
	<-ended
	for _, a := range []*Addon{used, coming} {
		if err := a.Release(t.Context(), h, "two"); err != nil {
			t.Error(err)
		}
		if there := leftOver(t, a); there != nil {
			t.Errorf("left of %s: %v", a.Name, there)
		}
	}
}

// Of a cluster that was taken down meanwhile nothing comes back.
func TestClusterIsGone(t *testing.T) {
	gone := vm.Handle{Cluster: &vm.Cluster{Name: "c", Dir: t.TempDir() + "/c"}}
	var said *vm.GoneError
	if err := ingress.Release(t.Context(), &gone, "one"); !errors.As(err, &said) {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(gone.Cluster.Dir); err == nil {
		t.Error("its directory is there again")
	}
}

// A use that fails, at whatever point, is taken back as any.
func TestReleaseOfWhatIsHalfInstalled(t *testing.T) {
	needCluster(t)
	a := tiny(storage)
	a.Name = "half"
	broken := errors.New("the machines are off")
	h := loading(t, func([]byte) error { return broken })
	if err := a.Use(t.Context(), h, "one", quiet()); !errors.Is(err, broken) {
		t.Fatalf("error is %v", err)
	}
	if there := leftOver(t, a); len(there) != 1 {
		t.Errorf("there is %v; want the namespace, by which it is found", there)
	}
	if err := a.Release(t.Context(), h, "one"); err != nil {
		t.Fatal(err)
	}
	if there := leftOver(t, a); there != nil {
		t.Errorf("left: %v", there)
	}
}

func TestNobodyCanGiveIt(t *testing.T) {
	needCluster(t)
	for _, a := range All {
		reason, err := a.Missing(t.Context(), handle)
		if err != nil || !strings.Contains(reason, "simulated") {
			t.Errorf("%s: %q, %v", a.Name, reason, err)
		}
		if err := a.Use(t.Context(), handle, "one", quiet()); err == nil || !strings.Contains(err.Error(), "cannot give it") {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
}

// unansweredAPI installs an API whose server is nobody, until the test ends or
// remove is called.
func unansweredAPI(t *testing.T, group string) (remove func()) {
	t.Helper()
	api, err := kube.Decode([]byte(`{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.` + group + `},
spec: {group: ` + group + `, version: v1, groupPriorityMinimum: 100, versionPriority: 100, service: {name: nobody, namespace: default}}}`))
	if err != nil {
		t.Fatal(err)
	}
	remove = func() {
		if err := handle.Kube.Delete(context.Background(), "", api...); err != nil { // none is success
			t.Error(err)
		}
	}
	t.Cleanup(remove)
	if _, err := handle.Kube.Apply(t.Context(), "", api...); err != nil {
		t.Fatal(err)
	}
	return remove
}

// What holds up a removal is said, by whoever waits; without it the removal can
// be finished.
func TestRemovalIsHeldUp(t *testing.T) {
	needCluster(t)
	a := tiny(storage)
	a.Name, a.elsewhere = "held", nil
	h := loading(t, func([]byte) error { return nil })
	if err := a.Use(t.Context(), h, "one", quiet()); err != nil {
		t.Fatal(err)
	}
	ns, err := a.namespace(t.Context(), h.Kube)
	if err != nil {
		t.Fatal(err)
	}
	remove := unansweredAPI(t, "held.test")
	ctx, interrupt := context.WithCancel(t.Context())
	released := make(chan error, 1)
	go func() { released <- a.Release(ctx, h, "one") }()
	said := check.Func("the API is said to hold up the removal", func(ctx context.Context) error {
		if err := h.Kube.RemoveNamespace(ctx, ns); err == nil || !strings.Contains(err.Error(), "held.test") {
			return fmt.Errorf("said is: %v", err)
		}
		return nil
	})
	limited, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	err = check.Wait(limited, said, pollInterval, nil)
	interrupt()
	if err != nil {
		t.Error(err)
	}
	if err := <-released; err == nil || !strings.Contains(err.Error(), "finish with: axolotl addon remove held") {
		t.Errorf("a removal that was interrupted: %v", err)
	}
	remove()
	if err := a.Release(t.Context(), h, "one"); err != nil {
		t.Error(err)
	}
	if there := leftOver(t, a); there != nil {
		t.Errorf("left: %v", there)
	}
}

// What somebody else has installed is used as it is, and stays.
func TestElsewhere(t *testing.T) {
	needCluster(t)
	a := tiny(metrics)
	a.Name = "metrics-elsewhere"
	a.elsewhere = func(ctx context.Context, client *kube.Client) (bool, error) {
		_, err := get(ctx, client, "/apis/apiregistration.k8s.io/v1/apiservices/v1.elsewhere.test")
		return isThere(err)
	}
	if there, err := a.elsewhere(t.Context(), handle.Kube); there || err != nil {
		t.Fatalf("there: %t, error %v", there, err)
	}
	unansweredAPI(t, "elsewhere.test")
	h := loading(t, func([]byte) error { return errors.New("it was installed") })
	if err := errors.Join(a.Use(t.Context(), h, "one", quiet()), a.Release(t.Context(), h, "one")); err != nil {
		t.Error(err)
	}
	if there := leftOver(t, a); slices.Contains(there, "Namespace "+a.Namespace()) {
		t.Errorf("installed: %v", there)
	}
}

// A namespace by the add-on's name that is somebody else's is left alone.
func TestForeignNamespace(t *testing.T) {
	needCluster(t)
	a := tiny(storage)
	a.Name, a.elsewhere = "foreign", nil
	objects, err := kube.Decode([]byte("{apiVersion: v1, kind: Namespace, metadata: {name: axolotl-foreign}}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handle.Kube.Apply(t.Context(), "", objects...); err != nil {
		t.Fatal(err)
	}
	h := loading(t, func([]byte) error { return errors.New("it was installed") })
	for what, err := range map[string]error{"use": a.Use(t.Context(), h, "one", quiet()), "remove": a.Remove(t.Context(), h)} {
		if err == nil || !strings.Contains(err.Error(), "somebody else's") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The API server can verify the metrics server by what it is given, and by the
// name by which it calls it.
func TestMetricsCertificate(t *testing.T) {
	objects, err := metrics.objects()
	if err != nil {
		t.Fatal(err)
	}
	if err := certifyMetrics(metrics.Namespace(), objects); err != nil {
		t.Fatal(err)
	}
	decode := func(kind string, path ...string) []byte {
		for _, object := range objects {
			if object.GetKind() == kind {
				data, err := base64.StdEncoding.DecodeString(kube.Text(object, path...))
				if err != nil || len(data) == 0 {
					t.Fatalf("%s %v: %q, %v", kind, path, data, err)
				}
				return data
			}
		}
		t.Fatalf("there is no %s", kind)
		return nil
	}
	pair, err := tls.X509KeyPair(decode("Secret", "data", "tls.crt"), decode("Secret", "data", "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(decode("APIService", "spec", "caBundle")) {
		t.Fatal("the API server is given no certificate")
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "metrics-server.axolotl-metrics.svc"}); err != nil {
		t.Error(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "other.axolotl-metrics.svc"}); err == nil {
		t.Error("it is good for another name too")
	}
}

func TestFind(t *testing.T) {
	for _, name := range Names() {
		if a, err := Find(name); err != nil || a.Name != name {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
	if _, err := Find("ingres"); err == nil || !strings.Contains(err.Error(), "ingress, metrics, network-policy, storage") {
		t.Errorf("error is %v", err)
	}
}
