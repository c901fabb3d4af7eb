package image

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// rootUUID names the file system, in every image: it is never looked for by
// it, and a fixed one makes builds alike.
const rootUUID = "a01071f0-0000-4000-8000-000000000001"

// assemble is the command that makes the root file system. It reads a tar
// archive on its standard input.
func assemble(ctx context.Context, base, tree, image string) (*exec.Cmd, error) {
	argv := []string{"sh", "-c", assembleScript, "assemble.sh", base, tree, image}
	if os.Geteuid() != 0 {
		argv = append([]string{"fakeroot", "--"}, argv...) // so that root owns the files inside
	}
	path, err := findTool(argv[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, argv[1:]...)
	cmd.Env = append(os.Environ(),
		"PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", // mke2fs, for an ordinary user
		"ROOT_UUID="+rootUUID,
		fmt.Sprintf("ROOT_SIZE=%dk", rootBytes>>10),
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", imageTime.Unix()),
		fmt.Sprintf("E2FSPROGS_FAKE_TIME=%d", imageTime.Unix()), // of mke2fs before 1.47.1
	)
	return cmd, nil
}
