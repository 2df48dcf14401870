package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"gopkg.in/yaml.v3"
)

// sum is a SHA-256 (hex) of what a plain tree says, and of texts beside it. Where
// it stands in the file, its comments and its quotes do not count.
func sum(n *yaml.Node, beside ...string) string {
	h := sha256.New()
	digest(h, n)
	for _, text := range beside {
		put(h, text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// digest writes a tree so that no two trees are written alike.
func digest(w io.Writer, n *yaml.Node) {
	put(w, n.ShortTag())
	put(w, n.Value)
	fmt.Fprintf(w, "%d;", len(n.Content))
	for _, child := range n.Content {
		digest(w, child)
	}
}

func put(w io.Writer, text string) { fmt.Fprintf(w, "%d:%s", len(text), text) }

// beyondRules are the keys of a folder that say where its files are, when they are
// taken and what becomes of them, but not which metadata they get. A key that is
// not among them counts as one that does: to look at a file once too often does no
// harm.
var beyondRules = []string{
	"name", "path", "previously", "settle", "patience", "ready", "watch", "poll_interval", "rescan", "marker", "shared",
	"order", "workers", "hours", "after", "done", "failed", "tell", "contact", "receipt", "prune", "resume",
}

// rulesSum is the sum of what a folder says about the metadata of its files.
func rulesSum(n *yaml.Node) string {
	rules := *n
	rules.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !slices.Contains(beyondRules, n.Content[i].Value) {
			rules.Content = append(rules.Content, n.Content[i], n.Content[i+1])
		}
	}
	return sum(&rules)
}
