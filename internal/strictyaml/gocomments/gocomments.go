// Package gocomments reads what the sources of a package say of its types, for
// the programs that generate a format's documentation from it.
package gocomments

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"axolotl/internal/strictyaml"
)

// Read collects the comments on the structs of the packages in some directories
// that files are decoded into, and on their fields: those before, else those
// behind.
func Read(dirs ...string) (strictyaml.Comments, error) {
	var paths []string
	for _, dir := range dirs {
		found, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, err
		}
		paths = append(paths, found...)
	}
	comments := strictyaml.Comments{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("read comments: %w", err)
		}
		for _, declaration := range file.Decls {
			general, ok := declaration.(*ast.GenDecl)
			if !ok || general.Tok != token.TYPE {
				continue
			}
			for _, spec := range general.Specs {
				collect(comments, general, spec.(*ast.TypeSpec))
			}
		}
	}
	return comments, nil
}

func collect(comments strictyaml.Comments, general *ast.GenDecl, spec *ast.TypeSpec) {
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	ofFile := func(f *ast.Field) bool { return f.Tag != nil && strings.Contains(f.Tag.Value, "yaml:") }
	bare := len(structure.Fields.List) == 0 && spec.Name.IsExported() // it is named in a file, and that is all
	if !bare && !slices.ContainsFunc(structure.Fields.List, ofFile) {
		return
	}
	put := func(key string, groups ...*ast.CommentGroup) {
		for _, group := range groups {
			if text := strings.Join(strings.Fields(group.Text()), " "); text != "" {
				comments[key] = text
				return
			}
		}
	}
	put(spec.Name.Name, spec.Doc, general.Doc)
	for _, field := range structure.Fields.List {
		for _, name := range field.Names {
			if ofFile(field) {
				put(spec.Name.Name+"."+name.Name, field.Doc, field.Comment)
			}
		}
	}
}
