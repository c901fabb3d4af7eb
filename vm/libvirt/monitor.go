package libvirt

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// monitor sends one QMP command and decodes its "return" into result.
func (d *Driver) monitor(uuid, command string, arguments map[string]any, result any, files ...*os.File) error {
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	data, err := json.Marshal(request)
	if err != nil {
		return err
	}
	text, err := d.hypervisor.Monitor(uuid, string(data), files...)
	if err != nil {
		return fmt.Errorf("QEMU's %s: %w", command, err)
	}
	var answer struct {
		Return json.RawMessage `json:"return"`
		Error  *struct {
			Desc string `json:"desc"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return fmt.Errorf("QEMU's answer to %s: %w", command, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("QEMU's %s: %s", command, answer.Error.Desc)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Return, result)
}

// stateStream is the name of the file that a machine's state goes through,
// as QEMU's monitor knows it. A file is passed, not named: QEMU is confined to
// the files that libvirt knows, and a stream has no path to collide.
const stateStream = "axostate"

// saveState writes a paused machine's state into a file. Memory that is a
// shared file is not in it.
func (d *Driver) saveState(ctx context.Context, uuid string, file *os.File) error {
	if err := d.prepareStream(uuid, file); err != nil {
		return err
	}
	if err := d.monitor(uuid, "migrate", map[string]any{"uri": "fd:" + stateStream}, nil); err != nil {
		return err
	}
	return d.awaitStream(ctx, uuid)
}

// dropState ends the writing of a machine's state, whose reader may have been
// killed: QEMU would stop the machine again when it has written all. Where
// nothing is written it changes nothing.
func (d *Driver) dropState(uuid string) error { return d.monitor(uuid, "migrate_cancel", nil, nil) }

// loadState has a machine that was started for it read its state.
func (d *Driver) loadState(ctx context.Context, uuid string, file *os.File) error {
	if err := d.prepareStream(uuid, file); err != nil {
		return err
	}
	if err := d.monitor(uuid, "migrate-incoming", map[string]any{"uri": "fd:" + stateStream}, nil); err != nil {
		return err
	}
	return d.awaitStream(ctx, uuid)
}

func (d *Driver) prepareStream(uuid string, file *os.File) error {
	capabilities := []map[string]any{{"capability": "x-ignore-shared", "state": true}}
	if err := d.monitor(uuid, "migrate-set-capabilities", map[string]any{"capabilities": capabilities}, nil); err != nil {
		return err
	}
	// The default of 128 MiB/s is for networks.
	if err := d.monitor(uuid, "migrate-set-parameters", map[string]any{"max-bandwidth": 1 << 40}, nil); err != nil {
		return err
	}
	return d.monitor(uuid, "getfd", map[string]any{"fdname": stateStream}, nil, file)
}

// awaitStream waits until the state is written or read.
func (d *Driver) awaitStream(ctx context.Context, uuid string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		var migration struct {
			Status string `json:"status"`
			Desc   string `json:"error-desc"`
		}
		if err := d.monitor(uuid, "query-migrate", nil, &migration); err != nil {
			return err
		}
		switch migration.Status {
		case "completed":
			return nil
		case "failed", "cancelled":
			return fmt.Errorf("QEMU could not move the machine's state: %s %s", migration.Status, migration.Desc)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("QEMU did not finish with the machine's state (%s): %w", migration.Status, ctx.Err())
		case <-time.After(3 * time.Millisecond):
		}
	}
}
