package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
)

const mib = 1 << 20

// fill takes ?mib= MiB of memory, or of disk with &where=disk, and keeps them
// until the container ends.
func (a *app) fill(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("mib"))
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil || n < 1 || n > maxFillMiB-a.mib {
		http.Error(w, fmt.Sprintf("say ?mib= with 1 to %d", maxFillMiB-a.mib), http.StatusBadRequest)
		return
	}
	where := r.FormValue("where")
	switch where {
	case "", "memory":
		where = "memory"
		a.filled = append(a.filled, touched(n))
	case "disk":
		if err := writeFill(a.fillDir, n); err != nil {
			http.Error(w, err.Error(), http.StatusInsufficientStorage)
			return
		}
	default:
		http.Error(w, "say &where=memory or &where=disk", http.StatusBadRequest)
		return
	}
	a.mib += n
	fmt.Fprintf(w, "took %d MiB of %s, %d MiB in all\n", n, where, a.mib)
}

// touched returns n MiB that are really there: a page counts once it is
// written to.
func touched(n int) []byte {
	block := make([]byte, n*mib)
	for i := 0; i < len(block); i += os.Getpagesize() {
		block[i] = 1
	}
	return block
}

func writeFill(dir string, n int) error {
	f, err := os.CreateTemp(dir, "fill-")
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, mib)
	for range n {
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	return nil
}
