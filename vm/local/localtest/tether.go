package localtest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"

	"go.uber.org/zap"

	"axolotl/vm/local"
)

// superviseVariable makes a test binary the supervisor of the cluster in the
// directory that it names.
const superviseVariable = "AXOLOTL_LOCALTEST_SUPERVISE"

// tethers are pipes that close when this process ends, however it ends. Kept
// here so that they are not collected.
var tethers struct {
	sync.Mutex
	files []*os.File
}

// tethered makes the command of a supervisor that ends with this process: this
// test binary, which init turns into one.
func tethered(dir string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	end, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	tethers.Lock()
	defer tethers.Unlock()
	tethers.files = append(tethers.files, end, hold)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), superviseVariable+"="+dir)
	cmd.Stdin = end
	return cmd, nil
}

func init() {
	dir := os.Getenv(superviseVariable)
	if dir == "" {
		return
	}
	if err := supervise(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// supervise runs until a signal, or until the test that wants it is gone.
func supervise(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	log, err := zap.NewProduction()
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the other end
		stop()
	}()
	return local.Supervise(ctx, dir, os.Stdout, log)
}
