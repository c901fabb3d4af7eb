package libvirt

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"axolotl/vm"
)

// guest plays the agent's commands for programs and files.
type guest struct {
	out, err string
	code     int
	signal   int
	polls    int // before a program has exited
	asked    int
	files    map[float64]*bytes.Buffer
	written  map[string]map[string][]byte // files that were closed, by path, by machine's UUID; nil: not noted
	ran      map[string][]string          // command lines, by machine's UUID; nil: not noted
	paths    map[float64]string
	closed   int
	full     bool // its disk
}

func (g *guest) answer(uuid, command string, arguments map[string]any) (any, error) {
	switch command {
	case "guest-ping":
		return map[string]any{}, nil
	case "guest-exec":
		if g.ran != nil {
			g.ran[uuid] = append(g.ran[uuid], fmt.Sprint(arguments["path"], arguments["arg"]))
		}
		return map[string]any{"pid": 7}, nil
	case "guest-exec-status":
		if g.asked++; g.asked <= g.polls {
			return map[string]any{"exited": false}, nil
		}
		return map[string]any{
			"exited": true, "exitcode": g.code, "signal": g.signal,
			"out-data": base64.StdEncoding.EncodeToString([]byte(g.out)),
			"err-data": base64.StdEncoding.EncodeToString([]byte(g.err)),
		}, nil
	case "guest-file-open":
		handle := float64(len(g.files) + 1)
		g.files[handle] = &bytes.Buffer{}
		if g.paths != nil {
			g.paths[handle] = arguments["path"].(string)
		}
		return handle, nil
	case "guest-file-write":
		if g.full {
			return nil, errors.New("no space left on device")
		}
		data, err := base64.StdEncoding.DecodeString(arguments["buf-b64"].(string))
		g.files[arguments["handle"].(float64)].Write(data)
		return map[string]any{"count": len(data)}, err
	case "guest-file-close":
		g.closed++
		if g.written != nil {
			if g.written[uuid] == nil {
				g.written[uuid] = map[string][]byte{}
			}
			handle := arguments["handle"].(float64)
			g.written[uuid][g.paths[handle]] = g.files[handle].Bytes()
		}
		return map[string]any{}, nil
	}
	return nil, fmt.Errorf("unknown command %s", command)
}

func TestExec(t *testing.T) {
	w, d, _ := running(t)
	c := w.load("c")
	g := &guest{out: "pong\n", polls: 2}
	w.fake.answer = g.answer
	if out, err := d.Exec(t.Context(), c, "cp-1", "/bin/ping", "x"); out != "pong\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	*g = guest{out: "half\n", err: "no route\n", code: 3}
	out, err := d.Exec(t.Context(), c, "cp-1", "/bin/ping", "x")
	if out != "half\n" || err == nil || !strings.Contains(err.Error(), `exec "/bin/ping x" on cp-1: exit code 3: no route`) {
		t.Errorf("%q, %v", out, err)
	}
	var exit *vm.ExitError
	if !errors.As(err, &exit) || exit.Machine != "cp-1" || exit.Code != 3 || len(exit.Argv) != 2 || exit.Said != "no route" {
		t.Errorf("%+v", exit)
	}
	*g = guest{out: "it is there already\n", code: 1}
	if _, err := d.Exec(t.Context(), c, "cp-1", "/bin/sh", "-c", "set -eu\n[ ! -e /x ]\n"); err == nil || err.Error() != "cp-1: it is there already" {
		t.Errorf("error %v", err)
	}
	*g = guest{signal: 9}
	if _, err := d.Exec(t.Context(), c, "cp-1", "/bin/ping", "x"); err == nil || !strings.Contains(err.Error(), "on cp-1: ended by signal 9") {
		t.Errorf("error %v", err)
	}
	*g = guest{polls: 1 << 30}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Exec(ctx, c, "cp-1", "/bin/sleep"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	w.fake.silence = 1 << 30
	if _, err := d.Exec(t.Context(), c, "cp-1", "/bin/true"); !errors.Is(err, errAgentSilent) {
		t.Errorf("error %v", err)
	}
	if _, err := d.Exec(t.Context(), c, "cp-9", "/bin/true"); err == nil || !strings.Contains(err.Error(), `"cp-9"`) {
		t.Errorf("error %v", err)
	}
}

// A file of more than one message arrives whole; its handle is closed also
// where the guest's disk is full.
func TestWriteFile(t *testing.T) {
	w, d, _ := running(t)
	c := w.load("c")
	g := &guest{files: map[float64]*bytes.Buffer{}}
	w.fake.answer = g.answer
	data := bytes.Repeat([]byte("0123456789abcdef"), 3<<16) // 3 MiB
	data = append(data, "end"...)
	w.must(d.WriteFile(t.Context(), c, "cp-1", "/var/big", data))
	if got := g.files[1].Bytes(); !bytes.Equal(got, data) || g.closed != 1 {
		t.Errorf("%d bytes arrived of %d, closed %d times", len(got), len(data), g.closed)
	}
	g.full = true
	err := d.WriteFile(t.Context(), c, "cp-1", "/var/big", data)
	if err == nil || !strings.Contains(err.Error(), "write /var/big on cp-1: no space left on device") || g.closed != 2 {
		t.Errorf("error %v, closed %d times", err, g.closed)
	}
}
