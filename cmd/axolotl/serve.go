package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/serve"
	"axolotl/internal/store"
	"axolotl/internal/term"
)

// serveFlags are the flags of 'axolotl serve'.
type serveFlags struct {
	listen    string
	tokenFile string
	drain     time.Duration
	install   bool
	user      bool
	system    bool
	dashboard bool
	alerts    bool

	historyAge  age
	historySize bytesFlag

	inCluster inClusterFlags
}

// serveAddress is where the metrics are by default.
const serveAddress = "127.0.0.1:9797"

func newServe(a *app) *cobra.Command {
	flags := serveFlags{historyAge: 365 * age(oneDay), historySize: 1 << 30}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run what is scheduled, in the foreground, until it is told to end",
		Long: `Undo what earlier runs left, and then run what 'axolotl schedule' says. Each firing
is accounted for exactly once: it ran, or was missed (the daemon was off, the host
slept), or was skipped (overlap, quiet times, budget, a guard), with the reason.

SIGTERM and Ctrl-C: no new run is begun; the one at work may go on for --drain, is
then aborted and undone, and the daemon ends. A second signal ends it at once: the
next start undoes what is left.

At the start and every hour it removes from the history what is older than
--history-age, or the oldest runs until that takes no more than --history-size,
as 'axolotl chaos report prune' does.

It answers on --listen: /metrics for Prometheus, /healthz, /readyz. Where that is
not loopback, the metrics need the token of --token-file.

With --in-cluster it lives in a pod, and breaks what is around it by what needs
the API only: schedules are objects (schedules.axolotl.dev) with a status, what
must be undone is in ConfigMaps, and of several replicas the one that holds the
Lease runs what is due. --manifests prints all that it needs to be there.`,
		Example: `  axolotl serve
  axolotl serve --install --user        # a unit for 'systemctl --user'
  axolotl serve --alerts >axolotl.rules.yaml
  axolotl serve --in-cluster --manifests --target shop | kubectl apply -f -`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case flags.dashboard:
				_, err := fmt.Fprint(a.out, serve.Dashboard)
				return err
			case flags.alerts:
				_, err := fmt.Fprint(a.out, serve.Alerts)
				return err
			case flags.install:
				return installUnit(a, flags)
			case flags.inCluster.manifests:
				return printManifests(a, flags.inCluster)
			case flags.inCluster.on:
				return serveInCluster(cmd.Context(), a, flags)
			}
			return runServe(cmd.Context(), a, flags)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.listen, "listen", serveAddress, `host:port for metrics and health; "" for none`)
	f.StringVar(&flags.tokenFile, "token-file", "", "file with the token that whoever asks for the metrics must give (Authorization: Bearer)")
	spanVar(cmd, &flags.drain, "drain", 30*time.Second, "how long a run at work may go on when the daemon is told to end")
	f.Var(&flags.historyAge, "history-age", "how long runs, firings and recreations are kept")
	f.Var(&flags.historySize, "history-size", "how much of the disk the history may take")
	f.BoolVar(&flags.install, "install", false, "write a systemd unit that serves with these flags, and say how to start it")
	f.BoolVar(&flags.user, "user", false, "with --install: for this user's systemd (the default for ordinary users)")
	f.BoolVar(&flags.system, "system", false, "with --install: for the system's systemd (the default for root)")
	f.BoolVar(&flags.dashboard, "dashboard", false, "print the dashboard for Grafana and end")
	f.BoolVar(&flags.alerts, "alerts", false, "print the alert rules for Prometheus and end")
	flags.inCluster.add(cmd)
	cmd.MarkFlagsMutuallyExclusive("dashboard", "alerts", "install", "in-cluster")
	cmd.MarkFlagsMutuallyExclusive("user", "system")
	return cmd
}

// runServe serves until ctx ends.
func runServe(ctx context.Context, a *app, flags serveFlags) (err error) {
	if flags.drain < 0 {
		return codedError{errors.New("--drain cannot be negative"), exitUsage}
	}
	lock, err := store.TryLock(serve.LockFile(a.home))
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return fmt.Errorf("another daemon serves these schedules already: %w", err)
	}
	if err != nil {
		return err
	}
	defer lock.Unlock() //nolint:errcheck // the kernel frees it at the latest
	db, err := history.Open(ctx, history.Path(a.home))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	log := serveLogger(a)
	defer log.Sync()                               //nolint:errcheck // stderr cannot always be synced
	progress := term.NewProgress(io.Discard, true) // what a person would see step by step is not for a log
	daemon := newDaemon(a, db, log, serve.NewMetrics(), progress)
	notifier := serve.NewNotifier(daemon.Clock, log, daemon.Metrics)
	daemon.Drain, daemon.Tell, daemon.Keeper = flags.drain, notifier.Tell, newKeeper(a, db, progress)
	daemon.Prune = func(ctx context.Context, now time.Time) (history.Pruned, error) { return prune(ctx, a, db, flags, now) }
	if err := chaos.TakeIn(ctx, db, a.home); err != nil {
		log.Error("reports that are files are not in the history yet", zap.Error(err))
	}

	// What serves beside the daemon ends after it: its last words are heard.
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group errgroup.Group
	group.Go(func() error { notifier.Run(beside); return nil })
	if flags.listen != "" {
		endpoint, err := newEndpoint(flags, daemon, log)
		if err != nil {
			return err
		}
		listener, err := endpoint.Listen(ctx)
		if err != nil {
			return err
		}
		log.Info("answering", zap.Stringer("address", listener.Addr()))
		group.Go(func() error { return endpoint.Serve(beside, listener) })
	}
	err = daemon.Serve(ctx)
	stop()
	return errors.Join(err, group.Wait())
}

func newEndpoint(flags serveFlags, daemon *serve.Daemon, log *zap.Logger) (*serve.Endpoint, error) {
	endpoint := &serve.Endpoint{Address: flags.listen, Metrics: daemon.Metrics, Ready: daemon.Ready, Log: log}
	if flags.tokenFile != "" {
		data, err := os.ReadFile(flags.tokenFile)
		if err != nil {
			return nil, err
		}
		if endpoint.Token = strings.TrimSpace(string(data)); endpoint.Token == "" {
			return nil, fmt.Errorf("%s holds no token; write one there", flags.tokenFile)
		}
	}
	return endpoint, nil
}

// serveLogger logs what the daemon does, as a daemon should: a line each, from
// info on, or from debug with -v. Quiet leaves warnings.
func serveLogger(a *app) *zap.Logger {
	level := zapcore.InfoLevel
	switch {
	case a.quiet:
		level = zapcore.WarnLevel
	case a.verbosity > 0:
		level = zapcore.DebugLevel
	}
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.RFC3339TimeEncoder
	config.EncodeDuration = zapcore.StringDurationEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(config), zapcore.Lock(zapcore.AddSync(a.err)), level))
}
