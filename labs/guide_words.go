package labs

import (
	"regexp"

	"axolotl/vm"
	"axolotl/vm/cluster"
)

// guideCommand is a command on the lab under way, in a text.
var guideCommand = regexp.MustCompile(`axolotl lab (?:start|check|hint|solve|next|say|status|reset|quit)\b`)

// typed writes the commands of a text as they are typed for a cluster: with its
// name, unless it is the one that they mean anyway.
func typed(c *vm.Cluster, text string) string {
	if c.Name == cluster.DefaultName {
		return text
	}
	return guideCommand.ReplaceAllString(text, "$0 --cluster "+c.Name)
}

// typed is typed for the guide's cluster.
func (g *Guide) typed(text string) string { return typed(g.runner.session.handle.Cluster, text) }

// Words chooses a text by the learner's language, with its commands as they are
// typed for the lab's cluster.
func (g *Guide) Words(en, es string) string { return g.typed(words(g.runner.Language, en, es)) }

// words chooses a fixed text by language.
func words(language Language, en, es string) string { return Text{EN: en, ES: es}.In(language) }
