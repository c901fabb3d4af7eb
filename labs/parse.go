package labs

import (
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

var shelf = strictyaml.Catalog{Files: catalog.Files, Kind: "lab", List: "axolotl lab list"}

// Open reads a lab of the catalog by its name, or a file: what has a slash or
// ends in .yaml or .yml.
func Open(nameOrFile string) (*Lab, error) {
	name, data, err := shelf.Read(nameOrFile)
	if err != nil {
		return nil, err
	}
	return Parse(name, data)
}

// CatalogNames are the names of the labs that come with axolotl, sorted.
func CatalogNames() []string { return shelf.Names() }
