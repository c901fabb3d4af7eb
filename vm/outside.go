package vm

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Outside is what the machines of a cluster reach beside each other. The zero
// value is nothing.
type Outside struct {
	// Internet gives them a way out: to the internet, and to all else that this
	// host reaches but itself.
	Internet bool `json:"internet,omitempty"`

	// RegistryMirrors are the URLs that are asked before a registry, in order,
	// by the registry's host.
	RegistryMirrors map[string][]string `json:"registryMirrors,omitempty"`
}

// DefaultRegistry is the one of images whose names say none.
const DefaultRegistry = "docker.io"

// String is it in words.
func (o Outside) String() string {
	if !o.Internet {
		return "nothing but each other"
	}
	text := "the internet"
	for _, registry := range slices.Sorted(maps.Keys(o.RegistryMirrors)) {
		text += fmt.Sprintf("; images of %s by way of %s", registry, strings.Join(o.RegistryMirrors[registry], ", "))
	}
	return text
}

// Equal tells whether two are the same.
func (o Outside) Equal(other Outside) bool {
	return o.Internet == other.Internet && maps.EqualFunc(o.RegistryMirrors, other.RegistryMirrors, slices.Equal)
}

// registryHost is the name of a registry, which becomes that of a directory;
// _default is containerd's word for all others.
var registryHost = regexp.MustCompile(`^(_default|[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?)$`)

// CheckRegistry returns an error for what is no host of a registry.
func CheckRegistry(host string) error {
	if !registryHost.MatchString(host) {
		return fmt.Errorf("%q is no host of a registry; write for instance docker.io, or _default for all others", host)
	}
	return nil
}

// CheckMirror returns an error for what is no URL of a mirror.
func CheckMirror(text string) error {
	u, err := url.Parse(text)
	if err == nil && (u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "") {
		err = errors.New("no http or https, or no host")
	}
	if err == nil && strings.ContainsAny(text, "\"'\\ ") {
		err = errors.New("quotes, blanks and backslashes are written as %22 and the like")
	}
	if err == nil && (u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		err = errors.New("no user, query or fragment can be in it")
	}
	if err != nil {
		return fmt.Errorf("%q is no URL of a mirror (%w); write for instance https://mirror.example.com", text, err)
	}
	return nil
}
