package fault

import (
	"slices"
	"testing"

	"axolotl/internal/strictyaml/formattest"
)

// TestSettingsAreTold: something is said of every setting of every fault.
func TestSettingsAreTold(t *testing.T) {
	formattest.Format{Comments: comments(), Sources: []string{"."}}.Check(t, nil, nil)
	for _, f := range All() {
		settings, err := SettingsOf(f)
		must(t, err)
		for _, s := range settings {
			if s.About == "" {
				t.Errorf("nothing is said of %s of %s", s.Name, f.Name())
			}
		}
	}
	f, err := New("clock-jump")
	must(t, err)
	f.(*guest).with.(*clockJump).Backward = true
	settings, err := SettingsOf(f)
	must(t, err)
	want := []string{"by: 5m0s       # how far the clock is put, 5 s or more", "backward: true # back, not forward"}
	if lines := SettingLines(settings); !slices.Equal(lines, want) {
		t.Errorf("it tells %q", lines)
	}
}
