package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"

	"axolotl/chaos/serve"
	"axolotl/internal/store"
)

// unitName is the name of the unit that --install writes.
const unitName = "axolotl.service"

// installUnit writes a systemd unit and says how to start it. Nothing is
// started.
func installUnit(a *app, flags serveFlags) error {
	user := flags.user || !flags.system && os.Geteuid() != 0
	if flags.system && os.Geteuid() != 0 {
		return errors.New("only root may write a unit of the system; use sudo, or --user")
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	unit := serve.Unit{Executable: executable, User: user, Drain: flags.drain}
	if flags.listen != serveAddress {
		unit.Arguments = append(unit.Arguments, "--listen="+flags.listen)
	}
	if flags.tokenFile != "" {
		token, err := filepath.Abs(flags.tokenFile)
		if err != nil {
			return err
		}
		unit.Arguments = append(unit.Arguments, "--token-file="+token)
	}
	unit.Arguments = append(unit.Arguments, "--drain="+flags.drain.String(),
		"--history-age="+flags.historyAge.String(), "--history-size="+flags.historySize.String())
	if os.Getenv(store.HomeVariable) != "" {
		unit.Home = filepath.Dir(a.home.State)
	}
	path, systemctl := filepath.Join("/etc/systemd/system", unitName), "systemctl"
	if user {
		path, systemctl = filepath.Join(xdg.ConfigHome, "systemd/user", unitName), "systemctl --user"
	}
	old, err := os.ReadFile(path)
	switch {
	case err == nil && !strings.HasPrefix(string(old), serve.UnitMark):
		return fmt.Errorf("%s is not of our making; move it away first", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := store.WriteFile(path, []byte(unit.String()), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(a.out, path)
	a.progress.Line("start it now and at every boot: %s daemon-reload && %s enable --now %s", systemctl, systemctl, unitName)
	if user {
		a.progress.Line("it ends at logout, unless: loginctl enable-linger")
	}
	return nil
}
