package history

import (
	"bytes"
	"compress/gzip"
	"io"
)

// pack compresses what is kept in bulk: a probe's raw data are the same few
// words thousands of times.
func pack(data []byte) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(data) //nolint:errcheck // a buffer takes all
	w.Close()     //nolint:errcheck // a buffer takes all
	return packed.Bytes()
}

// unpack reads what pack wrote; it fails where that is damaged, as there is a
// checksum.
func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
