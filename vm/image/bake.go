package image

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"axolotl/internal/term"
)

// What the initrd says on the console when the container images are in.
const importMarker = "axolotl-import-ok"

// bakeDeadline is for booting a machine and importing: ten times what it took
// on two slow cores.
const bakeDeadline = 5 * time.Minute

// bake boots the new root file system once, in a machine of its own, and has
// its containerd import the container images: 20 s here, or at the first start
// of every machine. It is emulated, since nobody has proved KVM yet.
func (b *build) bake(ctx context.Context, step *term.Step) error {
	qemu, err := findTool(qemuCommand)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bakeDeadline, fmt.Errorf("the machine was not done after %s", bakeDeadline))
	defer cancel()
	cmd := exec.CommandContext(ctx, qemu,
		"-machine", "pc", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1024",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
		"-kernel", b.path(kernelFile), "-initrd", b.path(initrdFile),
		"-append", "console=ttyS0 quiet panic=-1 axolotl.import",
		"-drive", "if=virtio,format=raw,cache=unsafe,file="+qemuPath(b.path(rootFile)),
		"-drive", "if=virtio,format=raw,readonly=on,file="+qemuPath(b.path(imagesTar)),
	)
	done := false
	var console []string
	err = runTool(ctx, cmd, func(line string) {
		line = strings.TrimSpace(line)
		done = done || strings.HasSuffix(line, importMarker)
		console = append(console, line)
		step.Status("%s", line)
	})
	if err == nil && !done {
		last := console[max(0, len(console)-15):]
		err = fmt.Errorf("the machine ended before all images were in; its last lines were:\n%s", strings.Join(last, "\n"))
	}
	return err
}

// qemuPath writes a path as the value of an option: a comma is doubled.
func qemuPath(path string) string { return strings.ReplaceAll(path, ",", ",,") }
