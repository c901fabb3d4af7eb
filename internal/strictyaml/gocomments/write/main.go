// Command write keeps what the sources of some directories say of a file's
// fields in comments.json, for its schema and its reference. It is what
// go:generate runs in the packages that read files; a test of each sees that it
// was run.
package main

import (
	"encoding/json"
	"log"
	"os"

	"axolotl/internal/strictyaml/gocomments"
)

func main() {
	comments, err := gocomments.Read(os.Args[1:]...)
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
