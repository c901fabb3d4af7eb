package image

import (
	"slices"
	"testing"
)

func TestSourcesFrom(t *testing.T) {
	for name, c := range map[string]struct {
		targets string
		want    []string
	}{
		"no apt": {"", []string{
			"deb http://deb.debian.org/debian bookworm main",
			"deb http://deb.debian.org/debian bookworm-updates main",
			"deb http://deb.debian.org/debian-security bookworm-security main",
		}},
		"its own mirror, and others' repositories": {
			"Packages http://mirror.lan/debian/ bookworm main\n" +
				"DEP-11 http://mirror.lan/debian/ bookworm main\n" +
				"Packages http://mirror.lan/debian/ bookworm contrib\n" +
				"Packages http://mirror.lan/debian-security/ bookworm-security main\n" +
				"Packages https://packages.example.org/apt sdk-bookworm main\n",
			[]string{
				"deb http://mirror.lan/debian bookworm main",
				"deb http://mirror.lan/debian-security bookworm-security main",
			},
		},
		"a later Debian": {
			"Packages http://mirror.lan/debian/ trixie main\n",
			[]string{
				"deb http://mirror.lan/debian bookworm main",
				"deb http://mirror.lan/debian bookworm-updates main",
				"deb http://deb.debian.org/debian-security bookworm-security main",
			},
		},
	} {
		if got := sourcesFrom(c.targets); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
