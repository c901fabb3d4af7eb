package libvirt

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"slices"
	"strings"
)

// remoteScript is what is run on another host.
//
//go:embed remote.sh
var remoteScript string

// ssh is how another host is reached: as libvirt does it for the same URI.
type ssh struct {
	host    string
	kind    string // of libvirt there: "system" or "session"
	program string
	options []string
}

// checkSSH refuses what of an URI is not done here.
func checkSSH(u *url.URL) error {
	for name := range u.Query() {
		switch name {
		case "command", "keyfile", "no_verify", "no_tty", // ssh's own
			"socket", "netcat", "proxy", "mode": // which libvirt there, and how ssh speaks to it
		default:
			return fmt.Errorf("%s= in the URI is not known here; leave it out, and write into ~/.ssh/config how %s is reached", name, u.Hostname())
		}
	}
	if strings.HasPrefix(u.Hostname(), "-") || strings.HasPrefix(u.User.Username(), "-") {
		return fmt.Errorf("%q is no host", u.Host)
	}
	return nil
}

// sshTo is the way to the host of an URI that checkURI let pass.
func sshTo(uri string) ssh {
	u, err := url.Parse(uri)
	if err != nil {
		panic(err) // it was parsed before
	}
	parameters := u.Query()
	to := ssh{host: u.Hostname(), kind: strings.TrimPrefix(u.Path, "/"), program: cmp.Or(parameters.Get("command"), "ssh")}
	if port := u.Port(); port != "" {
		to.options = append(to.options, "-p", port)
	}
	if user := u.User.Username(); user != "" {
		to.options = append(to.options, "-l", user)
	}
	if key := parameters.Get("keyfile"); key != "" {
		to.options = append(to.options, "-i", key)
	}
	if parameters.Get("no_verify") == "1" {
		to.options = append(to.options, "-o", "StrictHostKeyChecking=no")
	}
	return to
}

// command runs a shell command there, whatever the user's login shell is.
func (s ssh) command(ctx context.Context, options []string, script string, arguments ...string) *exec.Cmd {
	words := []string{"sh", "-c", quoted(script), "axolotl"}
	for _, argument := range arguments {
		words = append(words, quoted(argument))
	}
	// Whoever has this run may not be there to type a password.
	all := slices.Concat([]string{"-T", "-o", "BatchMode=yes", "-o", fmt.Sprintf("ConnectTimeout=%.0f", answerTime.Seconds())}, s.options, options, []string{"--", s.host, strings.Join(words, " ")})
	return exec.CommandContext(ctx, s.program, all...)
}

// quoted is a word of a shell's command line.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// sshFailed is ssh's own exit code.
const sshFailed = 255

// script runs remote.sh there and returns what it says, without the last line's
// end.
func (s ssh) script(ctx context.Context, stdin io.Reader, arguments ...string) (string, error) {
	cmd := s.command(ctx, []string{"-o", "ClearAllForwardings=yes"}, remoteScript, append([]string{s.kind}, arguments...)...)
	var out, complaint bytes.Buffer
	cmd.WaitDelay = linkPause // as in tunnel.go
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &complaint
	err := cmd.Run()
	var exit *exec.ExitError
	switch said := strings.TrimSpace(complaint.String()); {
	case err == nil:
		return strings.TrimSuffix(out.String(), "\n"), nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("%w; install it (Debian: apt-get install openssh-client)", err)
	case errors.As(err, &exit) && exit.ExitCode() == sshFailed:
		return "", fmt.Errorf("ssh to %s: %s; see that '%s' does it, without a password (ssh-agent, ssh-copy-id)", s.host, said, s.trial())
	default:
		return "", fmt.Errorf("on %s: %w: %s", s.host, err, said)
	}
}

// trial is how a person sees whether the way is open, and accepts the host's key.
func (s ssh) trial() string {
	return strings.Join(slices.Concat([]string{s.program}, s.options, []string{s.host, "true"}), " ")
}
