package serve

import (
	"fmt"
	"strings"
	"time"

	"axolotl/chaos"
)

// Unit is a systemd unit for the daemon.
type Unit struct {
	Executable string
	Arguments  []string // after "serve"
	// Home is AXOLOTL_HOME; empty: the default.
	Home string
	// User: for a user's own manager, which starts it at login.
	User  bool
	Drain time.Duration
}

// UnitMark is how a unit of ours begins: one that does not is left alone.
const UnitMark = "# written by 'axolotl serve --install'"

// String is the unit's file.
func (u Unit) String() string {
	target, after := "multi-user.target", "After=network.target libvirtd.service"
	if u.User {
		target, after = "default.target", ""
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line(UnitMark)
	line("[Unit]")
	line("Description=axolotl: scheduled chaos")
	if after != "" {
		line("%s", after)
	}
	line("")
	line("[Service]")
	line("Type=exec")
	if u.Home != "" {
		line("Environment=%s", quoteUnit("AXOLOTL_HOME="+u.Home))
	}
	words := []string{quoteUnit(u.Executable), "serve"}
	for _, argument := range u.Arguments {
		words = append(words, quoteUnit(argument))
	}
	line("ExecStart=%s", strings.Join(words, " "))
	line("Restart=on-failure")
	line("RestartSec=5")
	line("# The clusters that it brings up are to outlive it: only the daemon is ended.")
	line("KillMode=process")
	line("# A run at work may go on for %s; then it is undone, which may be a boot, and where", u.Drain)
	line("# that fails a machine made anew. Killed in the middle, the next start goes on with it.")
	line("TimeoutStopSec=%d", int((u.Drain + chaos.UndoAtMost).Seconds()))
	line("")
	line("[Install]")
	line("WantedBy=%s", target)
	return b.String()
}

// quoteUnit quotes a word as systemd reads it: see systemd.syntax(7) for
// quotes, systemd.unit(5) for % and systemd.service(5) for $.
func quoteUnit(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$", "\n", `\n`).Replace(word) + `"`
}
