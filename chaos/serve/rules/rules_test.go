// Package rules has Prometheus' own library, which promtool is made of, read
// the alert rules and the dashboard. It is a module of its own, so that the
// program's does not depend on Prometheus. It holds a test only.
package rules

import (
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func TestAlerts(t *testing.T) {
	groups, errs := rulefmt.ParseFile("../alerts.yaml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	rules := 0
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			rules++
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%s does not say what to do", r.Alert)
			}
		}
	}
	if rules < 8 {
		t.Errorf("only %d rules", rules)
	}
}

func TestDashboard(t *testing.T) {
	data, err := os.ReadFile("../dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			GridPos struct{ X, W int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`\$__\w+`) // of Grafana's; each stands for a duration
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 || panel.Title == "" || panel.GridPos.X+panel.GridPos.W > 24 {
			t.Errorf("panel %+v", panel)
		}
		for _, target := range panel.Targets {
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(variable.ReplaceAllString(target.Expr, "5m")); err != nil {
				t.Errorf("%s: %v", target.Expr, err)
			}
		}
	}
	if len(dashboard.Panels) < 8 {
		t.Errorf("only %d panels", len(dashboard.Panels))
	}
}
