package strictyaml

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Catalog is a set of documents that come with axolotl, each NAME.yaml.
type Catalog struct {
	Files fs.FS
	Kind  string // what one is: "lab"
	List  string // the command that shows all: "axolotl lab list"
}

// Read reads the document of a name, or a file: what has a slash or ends in
// .yaml or .yml. The first value is what faults call it.
func (c Catalog) Read(nameOrFile string) (string, []byte, error) {
	if strings.ContainsRune(nameOrFile, '/') || slices.Contains([]string{".yaml", ".yml"}, path.Ext(nameOrFile)) {
		data, err := ReadFile(nameOrFile)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w, or give the name of one that '%s' shows", err, c.List)
		}
		return nameOrFile, data, err
	}
	file := nameOrFile + ".yaml"
	data, err := fs.ReadFile(c.Files, file)
	if err != nil {
		return "", nil, fmt.Errorf("no %s %q%s; '%s' shows them, and a file needs a path such as ./%s",
			c.Kind, nameOrFile, DidYouMean(nameOrFile, c.Names()), c.List, file)
	}
	return file, data, nil
}

// Names are the names of all, sorted.
func (c Catalog) Names() []string {
	files, err := fs.Glob(c.Files, "*.yaml")
	if err != nil {
		panic(err) // the pattern is fixed
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(file, ".yaml")
	}
	return names
}
