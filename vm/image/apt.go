package image

import (
	"context"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// The mirrors of a host that has none of Debian's own.
const (
	debianMirror   = "http://deb.debian.org/debian"
	securityMirror = "http://deb.debian.org/debian-security"
)

// debianSources are the lines of a sources.list for the guest: from the host's
// own mirrors where it is a Debian, since it may reach no others.
func debianSources(ctx context.Context) []string {
	// As "http://deb.debian.org/debian/ bookworm main"; empty where there is no apt.
	const format = "$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)"
	targets, _ := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", format).Output()
	return sourcesFrom(string(targets))
}

func sourcesFrom(targets string) []string {
	var own []string
	mirror, security := debianMirror, securityMirror
	for line := range strings.Lines(targets) {
		fields := strings.Fields(line)
		if len(fields) != 4 || fields[0] != "Packages" || fields[3] != "main" {
			continue
		}
		uri, release := strings.TrimSuffix(fields[1], "/"), fields[2]
		switch path.Base(uri) {
		case "debian":
			mirror = uri
		case "debian-security":
			security = uri
		}
		if release == suite || release == suite+"-updates" || release == suite+"-security" {
			own = append(own, fmt.Sprintf("deb %s %s main", uri, release))
		}
	}
	if slices.ContainsFunc(own, func(line string) bool { return strings.HasSuffix(line, " "+suite+" main") }) {
		return own
	}
	return []string{
		fmt.Sprintf("deb %s %s main", mirror, suite),
		fmt.Sprintf("deb %s %s-updates main", mirror, suite),
		fmt.Sprintf("deb %s %s-security main", security, suite),
	}
}

// hostAptOptions are the host's settings for reaching its mirrors: proxies,
// certificates, tolerance for old snapshots.
func hostAptOptions(ctx context.Context) []string {
	dump, _ := exec.CommandContext(ctx, "apt-config", "dump").Output()
	var options []string
	for line := range strings.Lines(string(dump)) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"Acquire::http::", "Acquire::https::", "Acquire::Check-", "Acquire::Retries "} {
			if strings.HasPrefix(strings.ToLower(line), strings.ToLower(prefix)) {
				options = append(options, line)
			}
		}
	}
	return options
}
