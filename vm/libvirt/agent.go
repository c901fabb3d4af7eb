package libvirt

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"axolotl/vm"
)

var _ vm.Executor = (*Driver)(nil)

// agentTimeout is how long one agent command may take; the commands
// themselves are short, an emulated guest under load is slow.
const agentTimeout = 10 * time.Second

// clockTimeout is how long a machine that was resumed may take until its agent
// has set its clock.
const clockTimeout = time.Minute

// Exec implements vm.Executor through the guest agent.
func (d *Driver) Exec(ctx context.Context, c *vm.Cluster, machine string, argv ...string) (string, error) {
	m := c.Machine(machine)
	if m == nil {
		return "", fmt.Errorf("cluster %q has no machine %q", c.Name, machine)
	}
	var started struct{ PID int }
	err := d.at(m).agent(ctx, m.UUID, "guest-exec", map[string]any{"path": argv[0], "arg": argv[1:], "capture-output": true}, &started)
	if err != nil {
		return "", fmt.Errorf("exec %q on %s: %w", argv[0], machine, err)
	}
	var lost time.Time // libvirt was, when its daemon began anew; agents answer it a moment later
	// Often at first: most commands are short, and a restore waits for some. Then
	// less and less: the agent logs each question, which costs an emulated
	// machine 10 ms.
	for pause := 10 * time.Millisecond; ; pause = min(pause*3/2, 500*time.Millisecond) {
		var status struct {
			Exited   bool
			ExitCode int    `json:"exitcode"`
			Signal   int    `json:"signal"`
			Out      string `json:"out-data"`
			Err      string `json:"err-data"`
		}
		err := d.at(m).agent(ctx, m.UUID, "guest-exec-status", map[string]any{"pid": started.PID}, &status)
		if errors.Is(err, errLost) {
			lost = time.Now()
		}
		if err != nil && (!passes(err) || time.Since(lost) > restartTime) {
			return "", fmt.Errorf("exec %q on %s: %w", argv[0], machine, err)
		}
		if status.Exited {
			out, _ := base64.StdEncoding.DecodeString(status.Out)
			if status.ExitCode != 0 || status.Signal != 0 {
				stderr, _ := base64.StdEncoding.DecodeString(status.Err)
				said := cmp.Or(strings.TrimSpace(string(stderr)), strings.TrimSpace(string(out)))
				return string(out), &vm.ExitError{Machine: machine, Argv: argv, Code: status.ExitCode, Signal: status.Signal, Said: said}
			}
			return string(out), nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(pause):
		}
	}
}

// passes tells of an agent's error whether it may answer in a moment: it begins, or
// libvirt does.
func passes(err error) bool { return errors.Is(err, errAgentSilent) || errors.Is(err, errLost) }

// SetTime sets a guest's clock.
func (d *Driver) SetTime(ctx context.Context, c *vm.Cluster, machine string, now time.Time) error {
	m := c.Machine(machine)
	if m == nil {
		return fmt.Errorf("cluster %q has no machine %q", c.Name, machine)
	}
	return d.at(m).agent(ctx, m.UUID, "guest-set-time", map[string]any{"time": now.UnixNano()}, nil)
}

// agent sends one command and decodes its "return" into result.
func (d *Driver) agent(ctx context.Context, uuid, command string, arguments map[string]any, result any) error {
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	data, err := json.Marshal(request)
	if err != nil {
		return err
	}
	answer, err := unless(ctx, func() (string, error) { return d.hypervisor.Agent(uuid, string(data), agentTimeout) })
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal([]byte(answer), &struct {
		Return any `json:"return"`
	}{result})
}

// WriteFile writes a file inside a machine, whole or (on error) in part: the
// agent knows no rename. The directory must exist.
func (d *Driver) WriteFile(ctx context.Context, c *vm.Cluster, machine, path string, data []byte) error {
	m := c.Machine(machine)
	if m == nil {
		return fmt.Errorf("cluster %q has no machine %q", c.Name, machine)
	}
	var handle int
	if err := d.at(m).agent(ctx, m.UUID, "guest-file-open", map[string]any{"path": path, "mode": "w"}, &handle); err != nil {
		return fmt.Errorf("open %s on %s: %w", path, machine, err)
	}
	const chunk = 1 << 20 // bytes; libvirt refuses messages over 4 MiB
	var errs []error
	for len(data) > 0 && len(errs) == 0 {
		n := min(chunk, len(data))
		encoded := base64.StdEncoding.EncodeToString(data[:n])
		if err := d.at(m).agent(ctx, m.UUID, "guest-file-write", map[string]any{"handle": handle, "buf-b64": encoded}, nil); err != nil {
			errs = append(errs, fmt.Errorf("write %s on %s: %w", path, machine, err))
		}
		data = data[n:]
	}
	if err := d.at(m).agent(ctx, m.UUID, "guest-file-close", map[string]any{"handle": handle}, nil); err != nil {
		errs = append(errs, fmt.Errorf("close %s on %s: %w", path, machine, err))
	}
	return errors.Join(errs...)
}
