package image

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/tools/txtar"

	"axolotl/internal/store"
	"axolotl/internal/term"
)

// Names of the container images that every node has. They are our own builds
// under the names that Kubernetes asks for; no registry is asked.
const (
	// PauseImage is the sandbox image, with the tag that kubeadm 1.37 names.
	PauseImage = "registry.k8s.io/pause:3.10.2"
	// CoreDNSImage is upstream's CoreDNS, built from source.
	CoreDNSImage = "registry.k8s.io/coredns/coredns:" + corednsVersion
	// BusyboxImage is Debian's busybox, for probes and shells.
	BusyboxImage = "docker.io/library/busybox:1.35"
	// PingappOld and PingappNew are two releases of the labs' application,
	// PingappCrash one that exits with status 1 at start.
	PingappOld   = pingapp + "2.0.1"
	PingappNew   = pingapp + "2.1.0"
	PingappCrash = pingapp + "crash"
)

const pingapp = "docker.io/axolotl/pingapp:"

// nobody is the user that images run as where they need no rights: numeric,
// so that runAsNonRoot can be checked.
const nobody = "65532:65532"

// container is a container image made of one program.
type container struct {
	ref        string
	program    Binary // of which there is none for busybox
	user       string
	entrypoint []string
	cmd        []string
	ports      []string
	stopSignal string // SIGTERM where empty; of extras only, as the hash leaves it out
}

// containers are all that a node has, by name.
var containers = []container{
	{ref: BusyboxImage, cmd: []string{"sh"}},
	{ref: PingappOld, program: pingappBinary("2.0.1"), user: nobody, entrypoint: []string{"/pingapp"}, ports: []string{"8080/tcp"}},
	{ref: PingappNew, program: pingappBinary("2.1.0"), user: nobody, entrypoint: []string{"/pingapp"}, ports: []string{"8080/tcp"}},
	{ref: PingappCrash, program: pingappBinary("2.1.0"), user: nobody, entrypoint: []string{"/pingapp", "-crash"}, ports: []string{"8080/tcp"}},
	{ref: CoreDNSImage, program: CoreDNS, user: nobody, entrypoint: []string{"/coredns"}, ports: []string{"53/tcp", "53/udp"}},
	{ref: PauseImage, program: Binary{Name: "pause", Source: pauseSource, LDFlags: stripped}, user: "65535:65535", entrypoint: []string{"/pause"}},
}

//go:embed pingapp/main.go pingapp/app.go pingapp/fill.go pause/main.go
var containerSources embed.FS

var (
	pingappSource = programSource("pingapp")
	pauseSource   = programSource("pause")
)

// programSource is the program in a directory of this package as a module of
// its own, which needs nothing but the standard library.
func programSource(dir string) fs.FS {
	archive := txtar.Archive{Files: []txtar.File{{Name: "go.mod", Data: []byte("module " + dir + "\n\ngo 1.26.0\n")}}}
	entries, err := containerSources.ReadDir(dir)
	for _, entry := range entries {
		var data []byte
		if data, err = containerSources.ReadFile(path.Join(dir, entry.Name())); err != nil {
			break
		}
		archive.Files = append(archive.Files, txtar.File{Name: entry.Name(), Data: data})
	}
	if err != nil {
		panic("image: embedded sources of " + dir + ": " + err.Error())
	}
	return sources(dir, &archive)
}

func pingappBinary(version string) Binary {
	return Binary{Name: "pingapp", Source: pingappSource, LDFlags: stripped + " -X main.version=" + version}
}

// hash is over all that goes into the image; busybox itself is in the base.
func (c container) hash() (string, error) {
	program := ""
	if c.program.Name != "" {
		var err error
		if program, err = c.program.Hash(); err != nil {
			return "", err
		}
	}
	return hash(c.ref, program, fmt.Sprintf("%q %q %q %q", c.user, c.entrypoint, c.cmd, c.ports)), nil
}

// layer returns the image's only layer, as an uncompressed tar archive: there
// is nothing to win by unpacking it twice in an emulated machine.
func (c container) layer(ctx context.Context, home store.Home, base *base, step *term.Step) ([]byte, error) {
	var archive bytes.Buffer
	tree := newTreeTar(&archive)
	tree.dir("tmp", 0o1777)
	tree.file("etc/passwd", 0o644, []byte("root:x:0:0:root:/:/bin/sh\nnobody:x:65532:65532:nobody:/:/bin/false\n"))
	tree.file("etc/group", 0o644, []byte("root:x:0:\nnobody:x:65532:\n"))
	if c.program.Name == "" {
		tree.file("bin/busybox", 0o755, base.busybox)
		for _, applet := range strings.Fields(string(base.applets)) {
			if applet != "busybox" {
				tree.link("bin/"+applet, "busybox")
			}
		}
		return archive.Bytes(), tree.Close()
	}
	program, err := c.program.Ensure(ctx, home, step)
	if err != nil {
		return nil, err
	}
	tree.copy(c.program.Name, 0o755, program)
	if err := tree.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}
