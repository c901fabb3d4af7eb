//go:build ignore

// Command comments_gen keeps what the sources say of a lab file's fields in
// comments.json, for the schema and the reference.
package main

import (
	"encoding/json"
	"log"
	"os"

	"axolotl/internal/strictyaml/gocomments"
)

func main() {
	comments, err := gocomments.Read(".")
	if err != nil {
		log.Fatal(err)
	}
	data, err := json.MarshalIndent(comments, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("comments.json", append(data, '\n'), 0o644); err != nil {
		log.Fatal(err)
	}
}
