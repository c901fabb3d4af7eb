package image

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"axolotl/internal/term"
)

// compile builds the program with the go command, in the empty directory work,
// and leaves it at the path program.
func (b Binary) compile(ctx context.Context, work, program string, step *term.Step) error {
	goCommand, _, err := findGo(ctx)
	if err != nil {
		return err
	}
	// NOTE: -v only lists packages as they are compiled, for the progress; the
	// rest decides what the build cache holds, to the letter and in this order.
	flags := []string{"-v", "-trimpath"}
	if b.LDFlags != "" {
		flags = append(flags, "-ldflags", b.LDFlags)
	}
	var args []string
	dir, bin, temp := filepath.Join(work, "source"), filepath.Join(work, "bin"), filepath.Join(work, "tmp")
	for _, d := range []string{dir, bin, temp} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return err
		}
	}
	environment := append(os.Environ(),
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH,
		"GO111MODULE=on", "GOWORK=off", "GOBIN="+bin, "GOTMPDIR="+temp,
		// Replaces the caller's flags and tags, also those of "go env -w",
		// which an empty value would not.
		"GOFLAGS=-buildvcs=false",
	)
	built := filepath.Join(bin, b.Name)
	switch {
	case b.Source != nil:
		if err := os.CopyFS(dir, b.Source); err != nil {
			return err
		}
		args = append(append([]string{"build"}, flags...), "-o", built, cmp.Or(b.Package, "."))
	case b.Module != "":
		step.Status("fetching the module %s", b.Module)
		if err := b.copyModule(ctx, goCommand, environment, dir); err != nil {
			return err
		}
		args = append(append([]string{"build"}, flags...), "-o", built, b.Package)
	default:
		args = append(append([]string{"install"}, flags...), b.Package+"@"+b.Version)
		built = filepath.Join(bin, path.Base(b.Package)) // as "go install" calls it
	}

	cmd := command(ctx, goCommand, environment, dir, args...)
	output, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	last := followCompiler(output, b.Name, step)
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%s %s: %w; the last lines were:\n%s", filepath.Base(goCommand), args[0], err, last)
	}
	return os.Rename(built, program)
}

// command is a run of the go command in a process group of its own, which is
// killed as a whole; all that it leaves is in work, which the caller removes.
func command(ctx context.Context, goCommand string, environment []string, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, goCommand, args...)
	cmd.Dir, cmd.Env = dir, environment
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// copyModule copies the program's module into the empty directory dir.
func (b Binary) copyModule(ctx context.Context, goCommand string, environment []string, dir string) error {
	var fetched struct{ Dir, Error string }
	out, err := command(ctx, goCommand, environment, dir, "mod", "download", "-json", b.Module+"@"+b.Version).Output()
	if decodeErr := json.Unmarshal(out, &fetched); decodeErr == nil && fetched.Error != "" {
		err = errors.New(fetched.Error) // says more than the exit code
	}
	if err != nil {
		return cmp.Or(ctx.Err(), fmt.Errorf("fetch %s@%s: %w", b.Module, b.Version, err))
	}
	// NOTE: not os.CopyFS, which keeps the modes of Go's cache: nobody may write.
	source := os.DirFS(fetched.Dir)
	return fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(dir, name), 0o755)
		}
		data, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), data, 0o644)
	})
}

// followCompiler shows what the go command is at and returns its last lines.
func followCompiler(output io.Reader, name string, step *term.Step) string {
	const keep = 15
	var tail []string
	packages := 0
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if tail = append(tail, line); len(tail) > keep {
			tail = tail[1:]
		}
		if strings.ContainsAny(line, " \t") {
			step.Status("%s", line)
			continue
		}
		packages++
		step.Status("compiling %s: %d packages, now %s", name, packages, line)
	}
	_, _ = io.Copy(io.Discard, output) // so that a line too long does not block the compiler
	return strings.Join(tail, "\n")
}

// CheckGo returns the version of the go command with which binaries are built.
// The error says what to install.
func CheckGo(ctx context.Context) (string, error) {
	_, version, err := findGo(ctx)
	return version, err
}

// findGo returns the path and version of a go command that can build our
// binaries: one that knows the toolchain line of go.mod fetches a newer Go by
// itself.
func findGo(ctx context.Context) (path, version string, err error) {
	const remedy = "install Go 1.26 or newer (https://go.dev/dl) and put it on PATH"
	if path, err = exec.LookPath("go"); err != nil {
		return "", "", fmt.Errorf("there is no go command: %s", remedy)
	}
	cmd := exec.CommandContext(ctx, path, "env", "GOVERSION")
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local")
	cmd.Dir = os.TempDir()
	out, err := cmd.Output()
	if err != nil {
		if ctx.Err() != nil {
			return "", "", context.Cause(ctx)
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return "", "", fmt.Errorf("%s does not work: %w; %s", path, err, remedy)
	}
	var minor int
	version = strings.TrimSpace(string(out))
	if _, err := fmt.Sscanf(version, "go1.%d", &minor); err == nil && minor < 21 {
		return "", "", fmt.Errorf("%s is %s, which is too old: %s", path, version, remedy)
	}
	return path, version, nil
}
