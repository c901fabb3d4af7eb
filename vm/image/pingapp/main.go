// Command pingapp is the application of the labs: a web server that answers
// with a greeting and its own name, and that can be made to fail in the ways
// that a cluster must heal.
//
// It listens on :8080 and reads its settings from the environment:
//
//	GREETING       the first line of the answer ("pong")
//	GREETING_FILE  a file, read at each request, that holds the greeting
//	               instead: a mounted ConfigMap changes it without a restart
//	POD_NAME       the name it answers with (its host name)
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// version is set by the linker.
var version = "dev"

// drain is how long requests in flight may take after SIGTERM: less than the
// 30 s after which Kubernetes kills a pod.
const drain = 20 * time.Second

func main() {
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	crash := flag.Bool("crash", false, "fail at start, as a broken release does")
	address := flag.String("listen", ":8080", "address to listen on")
	flag.Parse()
	if *crash {
		log.Fatal("pingapp: this release is broken on purpose: it exits with status 1 at start; go back to the one before")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatalf("pingapp: %v", err)
	}
	log.Printf("pingapp %s listens on %s", version, listener.Addr())
	if err := serve(ctx, listener, newApp()); err != nil {
		log.Fatalf("pingapp: %v", err)
	}
	log.Print("pingapp ends: every request was answered")
}

// serve answers on listener until ctx ends, then finishes what is in flight.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	timeout, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	err := server.Shutdown(timeout)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("requests were still in flight after 20 s; they are cut off")
	}
	return err
}

// podName is the name that the app answers with.
func podName() string {
	if name := os.Getenv("POD_NAME"); name != "" {
		return name
	}
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}
