package labs

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"axolotl/internal/strictyaml"
	"axolotl/labs/catalog"
)

// Parse reads a lab; name is what faults call the file. The error is of type
// strictyaml.Faults: everything that is wrong, each with its place.
func Parse(name string, data []byte) (*Lab, error) {
	document := strictyaml.Parse(name, data)
	lab := &Lab{file: name, source: string(data)}
	document.Decode(lab)
	v := validator{document: document, lab: lab}
	v.run()
	if err := document.Err(); err != nil {
		return nil, err
	}
	return lab, nil
}

// Open reads a lab of the catalog by its name, or a file: what has a slash or
// ends in .yaml or .yml.
func Open(nameOrFile string) (*Lab, error) {
	if strings.ContainsRune(nameOrFile, '/') || slices.Contains([]string{".yaml", ".yml"}, path.Ext(nameOrFile)) {
		data, err := os.ReadFile(nameOrFile)
		if err != nil {
			return nil, err
		}
		return Parse(nameOrFile, data)
	}
	data, err := catalog.Files.ReadFile(nameOrFile + ".yaml")
	if err != nil {
		names := CatalogNames()
		return nil, fmt.Errorf("no lab %q%s; `axolotl lab list` shows them, and a file needs a path such as ./%s.yaml",
			nameOrFile, strictyaml.DidYouMean(nameOrFile, names), nameOrFile)
	}
	return Parse(nameOrFile+".yaml", data)
}

// CatalogNames are the names of the built-in labs, sorted.
func CatalogNames() []string {
	files, err := fs.Glob(catalog.Files, "*.yaml")
	if err != nil {
		panic(err) // the pattern is fixed
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(file, ".yaml")
	}
	return names
}
