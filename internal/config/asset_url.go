package config

import (
	"net/url"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// braced is what stands in braces, or looks like it.
var braced = regexp.MustCompile(`\{[^{}]*\}?|\}`)

// assetURL reads the address of an asset in the account's web application.
func (l *loader) assetURL(n *yaml.Node) {
	if n == nil {
		return
	}
	const example = "such as https://dam.example.com/asset/{object_id}"
	text, ok := l.Text(n, "asset_url")
	if !ok || text == "" {
		return
	}
	named := braced.FindAllString(text, -1)
	for _, name := range named {
		if name != "{object_id}" && name != "{file_id}" {
			l.Add(yamltree.At(n), "there are {object_id} and {file_id}", "asset_url: nothing is known by the name %q", name)
			return
		}
	}
	if len(named) == 0 {
		l.Add(yamltree.At(n), example, "asset_url: %s leads every file to the same place: it needs {object_id} or {file_id}", l.Quote(n))
		return
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(text, "https://"), "http://"), "/")
	u, err := url.Parse(braced.ReplaceAllString(text, "id"))
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.ContainsAny(host, "{}"):
		l.Add(yamltree.At(n), example, "asset_url: %s is no address of a web page", l.Quote(n))
	case u.User != nil:
		l.Add(yamltree.At(n), "whoever opens the page logs in by themselves", "asset_url: a user or a password does not belong into it") // not to be quoted
	default:
		l.config.AssetURL = text
	}
}
