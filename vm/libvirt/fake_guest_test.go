package libvirt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"axolotl/vm"
)

// command is what both QEMU's monitor and the guest agent are sent.
type command struct {
	Execute   string         `json:"execute"`
	Arguments map[string]any `json:"arguments"`
}

// returns is an answer in the form that both have.
func returns(value any) (string, error) {
	data, err := json.Marshal(map[string]any{"return": value})
	return string(data), err
}

// Monitor plays QEMU's monitor as far as a machine's state goes through it.
func (f *fake) Monitor(uuid, text string, files ...*os.File) (answer string, err error) {
	var c command
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return "", err
	}
	err = f.on("Monitor "+c.Execute, uuid, func(d *fakeDomain) error {
		if d.running == "" {
			return errors.New("requested operation is not valid: domain is not running")
		}
		value, err := f.monitor(d, c, files)
		if err != nil {
			data, _ := json.Marshal(map[string]any{"error": map[string]any{"class": "GenericError", "desc": err.Error()}})
			answer = string(data)
			return nil
		}
		answer, err = returns(value)
		return err
	})
	return answer, err
}

func (f *fake) monitor(d *fakeDomain, c command, files []*os.File) (any, error) {
	switch c.Execute {
	case "migrate-set-capabilities", "migrate-set-parameters", "migrate_cancel":
		return map[string]any{}, nil
	case "getfd":
		if len(files) != 1 {
			return nil, fmt.Errorf("%d files were passed", len(files))
		}
		d.getfd = files[0]
		return map[string]any{}, nil
	case "migrate":
		if d.state != vm.MachinePaused || d.getfd == nil {
			return nil, fmt.Errorf("cannot save: domain is %s", d.state)
		}
		if d.attached.file != "" {
			return nil, fmt.Errorf("no machine that is made for this state would have %v", d.attached)
		}
		d.asked = 0
		_, err := fmt.Fprintf(d.getfd, "state of %s\n", d.owner.Machine)
		return map[string]any{}, err
	case "migrate-incoming":
		if !d.incoming || d.getfd == nil {
			return nil, errors.New("'-incoming' was not specified on the command line")
		}
		d.asked = 0
		state, err := io.ReadAll(d.getfd)
		if want := fmt.Sprintf("state of %s\n", d.owner.Machine); err != nil || string(state) != want {
			return nil, fmt.Errorf("not the state of this machine: %q, %v", state, err)
		}
		return map[string]any{}, nil
	case "query-migrate":
		script := f.migration
		if script == nil {
			script = []string{"active", "completed"}
		}
		status := script[min(d.asked, len(script)-1)]
		d.asked++
		if status == "completed" {
			d.incoming = false
		}
		return map[string]any{"status": status, "error-desc": "by the test"}, nil
	}
	return d.hardware.monitor(d, c)
}

// Agent plays the guest agent.
func (f *fake) Agent(uuid, text string, _ time.Duration) (answer string, err error) {
	var c command
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return "", err
	}
	err = f.on("Agent "+c.Execute, uuid, func(d *fakeDomain) error {
		if d.state != vm.MachineRunning {
			return fmt.Errorf("requested operation is not valid: domain is %s", d.state)
		}
		if d.heard++; d.heard <= f.silence {
			return errAgentSilent
		}
		if c.Execute == "guest-set-time" {
			nanoseconds, ok := c.Arguments["time"].(float64)
			if !ok {
				return fmt.Errorf("no time in %s", text)
			}
			d.clock = time.Unix(0, int64(nanoseconds))
			answer, err = returns(map[string]any{})
			return err
		}
		if f.answer == nil {
			return fmt.Errorf("the command %s has not been found", c.Execute)
		}
		value, err := f.answer(uuid, c.Execute, c.Arguments)
		if err != nil {
			return err
		}
		answer, err = returns(value)
		return err
	})
	return answer, err
}
