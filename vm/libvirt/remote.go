package libvirt

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"axolotl/vm"
	"axolotl/vm/image"
)

// remote is another host on which machines run. libvirt does there by its own
// connection what it does here; files are made by ssh, with the programs that
// are there anyway, and the user's own configuration of ssh.
type remote struct {
	host string // as the URI names it

	// run runs remote.sh with a verb and its arguments, and returns what it says.
	run func(ctx context.Context, stdin io.Reader, arguments ...string) (string, error)
}

// remoteOf is the host of an URI; nil: this one.
func remoteOf(uri string) *remote {
	if !isRemote(uri) {
		return nil
	}
	to := sshTo(uri)
	return &remote{host: to.host, run: to.script}
}

// remoteFound is what a host says of itself.
type remoteFound struct {
	Base      string // directory of all that is ours there
	System    string // its name and its kernel's release
	FreeBytes uint64
}

// check sees whether a host can have machines, and changes nothing.
func (r *remote) check(ctx context.Context) (remoteFound, error) {
	said, err := r.run(ctx, nil, "check")
	if err != nil {
		return remoteFound{}, err
	}
	lines := strings.Split(said, "\n")
	if len(lines) != 3 {
		return remoteFound{}, fmt.Errorf("%s says %q of itself; see that its shell's startup files print nothing", r.host, said)
	}
	free, err := strconv.ParseUint(strings.TrimSpace(lines[2]), 10, 64)
	return remoteFound{lines[0], lines[1], free << 10}, err
}

// probeImage marks what of a node image the small guest is made of.
const probeImage = "-probe"

// bring has the node image on the host, copied once for all clusters there, until
// the cluster is forgotten.
func (r *remote) bring(ctx context.Context, cluster string, img *image.Image) (*image.Image, error) {
	return r.bringFiles(ctx, cluster, img.ID, img, img.Kernel, img.Initrd, img.Root)
}

// bringProbe has there what the small guest needs of it.
func (r *remote) bringProbe(ctx context.Context, cluster string, img *image.Image) (*image.Image, error) {
	return r.bringFiles(ctx, cluster, img.ID+probeImage, img, img.Kernel, img.Initrd)
}

func (r *remote) bringFiles(ctx context.Context, cluster, id string, img *image.Image, files ...string) (*image.Image, error) {
	said, err := r.run(ctx, nil, "claim", cluster, id)
	if err != nil {
		return nil, err
	}
	base, here, _ := strings.Cut(said, "\n")
	if here == "" {
		if err := r.send(ctx, cluster, id, img.Dir, files); err != nil {
			return nil, fmt.Errorf("copy the node image to %s: %w", r.host, err)
		}
	}
	return remoteImage(base, id, img), nil
}

// send copies files of a directory. tar leaves out what the root's file has of
// holes, which is 9 of its 10 GiB.
func (r *remote) send(ctx context.Context, cluster, id, dir string, files []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arguments := []string{"--create", "--sparse", "--mode=a+r", "--use-compress-program=gzip -1", "--directory=" + dir, "--"}
	for _, file := range files {
		arguments = append(arguments, filepath.Base(file))
	}
	tar := exec.CommandContext(ctx, "tar", arguments...)
	var complaint strings.Builder
	tar.Stderr = &complaint
	archive, err := tar.StdoutPipe()
	if err != nil {
		return err
	}
	if err := tar.Start(); err != nil {
		return err
	}
	_, err = r.run(ctx, archive, "bring", cluster, id)
	if err != nil {
		cancel() // tar would write to who reads no more
	}
	if tarErr := tar.Wait(); err == nil && tarErr != nil {
		err = fmt.Errorf("tar: %w: %s", tarErr, strings.TrimSpace(complaint.String()))
	}
	return err
}

// remoteImage is a node image as machines there read it.
func remoteImage(base, id string, img *image.Image) *image.Image {
	there := *img
	there.Dir = path.Join(base, "images", id)
	for _, file := range []*string{&there.Kernel, &there.Initrd, &there.Root} {
		*file = path.Join(there.Dir, filepath.Base(*file))
	}
	return &there
}

// ensureDisks is Driver.ensureDisks there. The seed is written here first, as
// all that is in it is here.
func (r *remote) ensureDisks(ctx context.Context, c *vm.Cluster, m *vm.Machine, img *image.Image) (bootFiles, error) {
	// Those of machines of this host are beside it.
	if err := makeMachineDir(c, m); err != nil {
		return bootFiles{}, err
	}
	seed := c.Path("machines", m.Name, seedFile)
	if err := writeSeed(seed, c, m); err != nil {
		return bootFiles{}, err
	}
	said, err := r.run(ctx, nil, "machine", c.ID, m.Name, filepath.Base(img.Root), strconv.Itoa(c.Spec.DiskGiB))
	if err != nil {
		return bootFiles{}, err
	}
	base, missing, _ := strings.Cut(said, "\n")
	if missing != "" {
		if _, err := r.putFile(ctx, c.ID, path.Join("machines", m.Name, seedFile), "0600", seed); err != nil {
			return bootFiles{}, err
		}
	}
	there, cluster := remoteImage(base, img.ID, img), path.Join(base, "clusters", c.ID)
	boot := bootFiles{
		Kernel: there.Kernel, Initrd: there.Initrd,
		Root:    path.Join(cluster, "machines", m.Name, rootOverlay),
		Seed:    path.Join(cluster, "machines", m.Name, seedFile),
		Console: path.Join(cluster, "machines", m.Name, "console.log"),
	}
	if isSession(hostOf(c, m)) {
		boot.Agent = remoteAgent(base, c.ID, m.Index)
	}
	return boot, nil
}

// remoteAgent is agentSocket there: in a directory of the user's own, which
// nobody else may enter. As a socket's path is short, so much of the cluster's ID is
// in it as tells it from others; it goes with the cluster's machines.
func remoteAgent(base, cluster string, index int) string {
	return path.Join(base, "agents", fmt.Sprintf("%.13s.%d", cluster, index))
}

// putFile copies a file into a cluster's directory and says where it is.
func (r *remote) putFile(ctx context.Context, cluster, name, mode, from string) (string, error) {
	file, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	said, err := r.run(ctx, file, "put", cluster, name, mode, strconv.FormatInt(info.Size(), 10))
	if err != nil {
		return "", fmt.Errorf("copy %s to %s: %w", from, r.host, err)
	}
	return said, nil
}

// drop removes what a cluster has of this name. What is not there is success.
func (r *remote) drop(ctx context.Context, cluster string, name ...string) error {
	_, err := r.run(ctx, nil, "drop", cluster, path.Join(name...))
	return err
}

// forget removes a cluster's files, and images that no other cluster lies over.
func (r *remote) forget(ctx context.Context, cluster string) error {
	_, err := r.run(ctx, nil, "forget", cluster)
	return err
}
