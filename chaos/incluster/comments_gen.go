//go:build ignore

// Command comments_gen keeps what the sources say of a schedule's fields in
// comments.json, for the schema of the custom resource.
package main

import (
	"encoding/json"
	"log"
	"maps"
	"os"

	"axolotl/internal/strictyaml"
	"axolotl/internal/strictyaml/gocomments"
)

func main() {
	all := strictyaml.Comments{}
	for _, dir := range []string{"../schedule", "."} {
		comments, err := gocomments.Read(dir)
		if err != nil {
			log.Fatal(err)
		}
		maps.Copy(all, comments)
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("comments.json", append(data, '\n'), 0o644); err != nil {
		log.Fatal(err)
	}
}
