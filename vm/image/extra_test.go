package image

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestSaveExtra(t *testing.T) {
	home := testHome(t)
	extra := Extra{Ref: "docker.io/axolotl/hello:1", Program: hello("hi"), StopSignal: "SIGINT"}
	to := filepath.Join(t.TempDir(), "extra.tar")
	if err := extra.Save(t.Context(), home, to, testStep()); err != nil {
		t.Fatal(err)
	}
	archive, err := openArchive(t.Context(), to, to+".unzipped")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.close()
	images, err := archive.images()
	if err != nil {
		t.Fatal(err)
	}
	if len(images) != 1 || !slices.Equal(images[0].refs, []string{extra.Ref}) {
		t.Fatalf("the archive holds %+v", images)
	}
	config, err := images[0].image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c := config.Config; c.StopSignal != "SIGINT" || c.User != nobody || !slices.Equal(c.Entrypoint, []string{"/hello"}) {
		t.Errorf("it is configured as %+v", c)
	}
	layers, err := images[0].image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	layer, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(unpack(t, layer), "hello")
	if err := os.Chmod(program, 0o755); err != nil { // which unpack does not keep
		t.Fatal(err)
	}
	if got := run(t, program); got != "hi" {
		t.Errorf("the program in it says %q", got)
	}
}

func TestSaveLeavesNoHalfArchive(t *testing.T) {
	broken := hello("x")
	broken.Source = fstest.MapFS{"go.mod": {Data: []byte("module hello\n\ngo 1.26.0\n")}, "main.go": {Data: []byte("package main\n")}}
	to := filepath.Join(t.TempDir(), "extra.tar")
	err := Extra{Ref: "docker.io/axolotl/hello:1", Program: broken}.Save(t.Context(), testHome(t), to, testStep())
	if err == nil || !strings.Contains(err.Error(), "build hello") {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is an archive: %v", err)
	}
}

// Extras are no part of the node image, and pruning spares them.
func TestExtras(t *testing.T) {
	in, err := inputs()
	if err != nil {
		t.Fatal(err)
	}
	home := testHome(t)
	keep, err := kept(home, InUse{})
	if err != nil {
		t.Fatal(err)
	}
	for _, extra := range Extras {
		if in["image "+extra.Ref] != "" {
			t.Errorf("%s is in the node image", extra.Ref)
		}
		path, err := extra.Program.Path(home)
		if err != nil {
			t.Fatal(err)
		}
		if !keep[filepath.Dir(path)] {
			t.Errorf("%s would be pruned", path)
		}
	}
}

// A module that replaces others is built as it means to be.
func TestBuildModuleWithReplacements(t *testing.T) {
	proxy := t.TempDir()
	t.Setenv("GOPROXY", "file://"+proxy)
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Cleanup(func() { // whose files may not be written, or removed
		if out, err := exec.Command("go", "clean", "-modcache").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	for module, text := range map[string]string{"example.test/ext": "as it was", "example.test/fork": "replaced"} {
		publish(t, proxy, module, map[string]string{
			"go.mod": "module example.test/ext\n\ngo 1.26.0\n", "ext.go": "package ext\n\nconst Text = \"" + text + "\"\n",
		})
	}
	program := map[string]string{
		"go.mod":          "module example.test/m\n\ngo 1.26.0\n\nrequire example.test/ext v1.0.0\n\nreplace example.test/ext => example.test/fork v1.0.0\n",
		"cmd/say/main.go": "package main\n\nimport \"example.test/ext\"\n\nfunc main() { print(ext.Text) }\n",
	}
	program["go.sum"] = sums(t, program)
	publish(t, proxy, "example.test/m", program)
	binary := Binary{Name: "speak", Module: "example.test/m", Package: "example.test/m/cmd/say", Version: "v1.0.0"}
	home := testHome(t)
	if got := run(t, ensure(t, binary, home)); got != "replaced" {
		t.Errorf("the program says %q", got)
	}
	binary.Version = "v1.0.1"
	if _, err := binary.Ensure(t.Context(), home, testStep()); err == nil || !strings.Contains(err.Error(), "example.test/m@v1.0.1") {
		t.Errorf("of a version that there is not: %v", err)
	}
}

// sums are the go.sum of a module.
func sums(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tidy := exec.Command("go", "mod", "tidy")
	tidy.Dir = dir
	if out, err := tidy.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// publish makes version v1.0.0 of a module in a proxy of files.
func publish(t *testing.T, proxy, module string, files map[string]string) {
	t.Helper()
	dir := filepath.Join(proxy, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"v1.0.0.info": `{"Version": "v1.0.0"}`, "v1.0.0.mod": files["go.mod"]} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := os.Create(filepath.Join(dir, "v1.0.0.zip"))
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(out)
	for name, text := range files {
		w, err := archive.Create(module + "@v1.0.0/" + name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
}
