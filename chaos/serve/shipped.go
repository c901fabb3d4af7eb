package serve

import (
	_ "embed"
	"path/filepath"

	"axolotl/internal/store"
)

// Dashboard is a dashboard for Grafana, and Alerts are alert rules for
// Prometheus, over the metrics of this package.
var (
	//go:embed dashboard.json
	Dashboard string
	//go:embed alerts.yaml
	Alerts string
)

// LockFile is the lock that the one daemon on a state directory holds.
func LockFile(home store.Home) string { return filepath.Join(home.State, "serve.lock") }
