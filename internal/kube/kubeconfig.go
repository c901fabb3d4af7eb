package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"axolotl/internal/store"
)

// UserKubeconfig is the file that kubectl writes new contexts to: of the files
// that KUBECONFIG lists the first that is there, or the last where none is;
// without KUBECONFIG ~/.kube/config.
func UserKubeconfig() string {
	return clientcmd.NewDefaultPathOptions().GetDefaultFilename()
}

// MergeContext copies the only user and cluster of the kubeconfig at source
// into the file at path under one name, and makes that the current context.
// All else in the file stays as it is, byte for byte where it is laid out in
// blocks. Which context was current before is kept with the new one.
func MergeContext(path, source, name string) error {
	from, err := only(source, name)
	if err != nil {
		return err
	}
	return edit(path, name, func(config *clientcmdapi.Config) bool {
		before := config.CurrentContext
		if of := previousOf(config.Contexts[before]); of != "" || before == name {
			before = of // of one of ours, which may be gone by then
		}
		if before != "" {
			from.Contexts[name].Extensions = previous(before)
		}
		config.Clusters[name] = from.Clusters[name]
		config.AuthInfos[name] = from.AuthInfos[name]
		config.Contexts[name] = from.Contexts[name]
		config.CurrentContext = name
		return true
	})
}

// RenderContext returns what MergeContext merges as a kubeconfig of its own.
func RenderContext(source, name string) ([]byte, error) {
	config, err := only(source, name)
	if err != nil {
		return nil, err
	}
	return clientcmd.Write(*config)
}

// only reads the current context of a kubeconfig and gives it another name.
func only(source, name string) (*clientcmdapi.Config, error) {
	from, err := clientcmd.LoadFromFile(source)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", source, err)
	}
	current, ok := from.Contexts[from.CurrentContext]
	if !ok {
		return nil, fmt.Errorf("%s has no current context", source)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = from.Clusters[current.Cluster]
	config.AuthInfos[name] = from.AuthInfos[current.AuthInfo]
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return config, nil
}

// previousKey names the extension of our contexts that holds the name of the
// context that was current before.
const previousKey = "axolotl.dev/previous-context"

type previousContext struct {
	Name string `json:"name"`
}

func previous(name string) map[string]runtime.Object {
	raw, err := json.Marshal(previousContext{name})
	if err != nil {
		panic(err) // a string can be encoded
	}
	return map[string]runtime.Object{previousKey: &runtime.Unknown{Raw: raw, ContentType: runtime.ContentTypeJSON}}
}

// previousOf is the context that was current before one of ours; "" where it
// is not known.
func previousOf(context *clientcmdapi.Context) string {
	if context == nil {
		return ""
	}
	unknown, ok := context.Extensions[previousKey].(*runtime.Unknown)
	if !ok {
		return ""
	}
	var p previousContext
	if err := json.Unmarshal(unknown.Raw, &p); err != nil {
		return "" // somebody else's writing
	}
	return p.Name
}

// RemoveContext removes what MergeContext wrote under this name. Where it was
// the current context, the one before it is current again, if it is still
// there, else none. What is not there is success.
func RemoveContext(path, name string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return edit(path, name, func(config *clientcmdapi.Config) bool {
		_, context := config.Contexts[name]
		_, cluster := config.Clusters[name]
		_, user := config.AuthInfos[name]
		if !context && !cluster && !user && config.CurrentContext != name {
			return false
		}
		before := previousOf(config.Contexts[name])
		delete(config.Contexts, name)
		delete(config.Clusters, name)
		delete(config.AuthInfos, name)
		if config.CurrentContext == name {
			config.CurrentContext = ""
			if config.Contexts[before] != nil {
				config.CurrentContext = before
			}
		}
		return true
	})
}

// edit changes the entries called name and the current context of a kubeconfig
// under the lock that kubectl takes, and writes it whole or not at all,
// readable by its owner only. Nothing is written where change returns false.
func edit(path, name string, change func(*clientcmdapi.Config) bool) error {
	unlock, err := lockKubeconfig(path)
	if err != nil {
		return err
	}
	defer unlock()
	config, err := clientcmd.LoadFromFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		config, err = clientcmdapi.NewConfig(), nil
	}
	if err != nil {
		return fmt.Errorf("%s cannot be read (%w); fix it or set KUBECONFIG to another file", path, err)
	}
	if !change(config) {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	data, err := render(text, config, name)
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a rename must not replace a link
	}
	return store.WriteFile(path, data, 0o600)
}

// lockKubeconfig takes kubectl's own lock, PATH.lock made exclusively, and
// waits for it for a short time.
func lockKubeconfig(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	lock := path + ".lock"
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for {
		file, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			file.Close()
			return func() { os.Remove(lock) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s has been locked for 5 s; if no kubectl runs, remove %s", path, lock)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
