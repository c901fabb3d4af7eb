package libvirt

import (
	"io"

	"libvirt.org/go/libvirt"
)

// Console opens a domain's first serial console. Whoever has it open loses it.
func (c *connection) Console(uuid string) (io.ReadWriteCloser, error) {
	conn, err := c.open()
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // only a reference
	stream, err := conn.NewStream(0)
	if err != nil {
		return nil, err
	}
	err = c.with(uuid, func(dom *libvirt.Domain) error { return dom.OpenConsole("", stream, libvirt.DOMAIN_CONSOLE_FORCE) })
	if err != nil {
		stream.Free() //nolint:errcheck // it was never opened
		return nil, err
	}
	return consoleStream{stream}, nil
}

// consoleStream is a libvirt stream as Go knows streams.
type consoleStream struct{ stream *libvirt.Stream }

func (s consoleStream) Read(p []byte) (int, error) {
	n, err := s.stream.Recv(p)
	if err == nil && n == 0 {
		err = io.EOF
	}
	return n, err
}

func (s consoleStream) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n, err := s.stream.Send(p[written:])
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

// Close ends the stream, and a Read that waits.
func (s consoleStream) Close() error { return s.stream.Abort() }
