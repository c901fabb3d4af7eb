package image

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"
	"time"
)

// imageRecipe is part of every image's hash. Raise it where a change in the
// code of this package makes another image of the same inputs.
const imageRecipe = "2"

// What the root file system is made of, beside the programs.
const (
	suite         = "bookworm"
	kernelPackage = "linux-image-cloud-amd64"

	// rootBytes is the size of the root file system as a guest sees it. The
	// file is sparse: it takes what is in it.
	rootBytes = 10 << 30
)

// imageTime is the time of all that an image is made of, instead of the time
// when it was made.
var imageTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// debianPackages are installed with what they depend on and nothing that they
// recommend.
var debianPackages = []string{
	"busybox-static", "ca-certificates", "conntrack", "e2fsprogs", "ethtool", "iproute2", "iptables",
	"iputils-ping", "kmod", "mount", "nftables", "procps", "qemu-guest-agent", "runc", "systemd",
	"systemd-sysv", "udev", "util-linux",
	"usr-is-merged", // the alternative is usrmerge, which brings 50 MB of Perl
}

// nodePrograms are the binaries of a node and where they go.
var nodePrograms = func() map[string]Binary {
	programs := map[string]Binary{}
	for _, b := range []Binary{Node, Containerd, ContainerdShim, Ctr} {
		programs["usr/local/bin/"+b.Name] = b
	}
	for _, b := range CNIPlugins {
		programs["opt/cni/bin/"+b.Name] = b
	}
	return programs
}()

// components are the names under which the node binary is called.
var components = []string{
	"etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler",
	"kubeadm", "kubectl", "kubelet",
}

// rootFiles are copied into the root file system as they are.
//
//go:embed all:rootfs
var rootFiles embed.FS

//go:embed initrd/init
var initScript []byte

//go:embed initrd/import
var importScript []byte

//go:embed base-hook.sh
var baseHook string

//go:embed assemble.sh
var assembleScript string

// RootFile is a file of ours in the root file system, by its path without the
// first slash, as this axolotl puts it there.
func RootFile(name string) ([]byte, error) { return rootFiles.ReadFile("rootfs/" + name) }

// executable says whether a file of rootFiles is a program.
func executable(name string) bool {
	return path.Dir(name) == "usr/local/sbin" || name == "init"
}

// inputs are the hashes of all that goes into the image, by name.
var inputs = sync.OnceValues(func() (map[string]string, error) {
	in := map[string]string{
		"recipe":      imageRecipe,
		"base":        baseHash(),
		"initrd":      hash(string(initScript), string(importScript)),
		"assemble.sh": hash(assembleScript),
		"size":        fmt.Sprint(rootBytes),
		"time":        imageTime.Format(time.RFC3339),
	}
	err := fs.WalkDir(rootFiles, "rootfs", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := rootFiles.ReadFile(name)
		in[name] = hash(string(data))
		return err
	})
	if err != nil {
		return nil, err
	}
	for name, binary := range nodePrograms {
		if in[name], err = binary.Hash(); err != nil {
			return nil, err
		}
	}
	for _, c := range containers {
		if in["image "+c.ref], err = c.hash(); err != nil {
			return nil, err
		}
	}
	return in, nil
})

// ID names the image that this axolotl makes: the first 12 hex digits of the
// SHA-256 over all inputs. It needs no file but the program itself.
func ID() (string, error) {
	in, err := inputs()
	if err != nil {
		return "", fmt.Errorf("inputs of the node image: %w", err)
	}
	return hashInputs(in)[:12], nil
}

func hashInputs(in map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(in)) {
		fmt.Fprintf(h, "%q %q\n", name, in[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hash is the SHA-256 of texts and of where each ends.
func hash(texts ...string) string {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%q\n", text)
	}
	return hex.EncodeToString(h.Sum(nil))
}
