package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// cmdEdit does what a librarian does by hand: it sets values of the current
// version of the asset with that filename, in a file as the API takes them, with
// <NAME> for the id of an attribute, column or vocabulary value.
func cmdEdit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "edit FILENAME FILE")
	s := standOf(ts)
	var edit tenovos.Edit
	ts.Check(json.Unmarshal([]byte(s.withIDs(ts.ReadFile(args[1]))), &edit.Metadata))
	a := s.Account()
	c, err := tenovos.New(tenovos.Config{
		URL: s.url, Version: s.Options().APIVersion, APIKey: secret.Text(a.APIKey),
		Username: a.Users[1].Username, Password: secret.Text(a.Users[1].Password), MaxConcurrentCalls: 1,
	})
	ts.Check(err)
	defer c.Close()
	for _, a := range s.assets() {
		if a.Filename == args[0] && a.Current {
			ts.Check(c.UpdateAsset(context.Background(), a.ObjectID, edit))
			return
		}
	}
	ts.Fatalf("there is no asset %s", args[0])
}

// withIDs puts ids for names. Of attributes that share a name it takes those of
// the first template.
func (s *stand) withIDs(text string) string {
	var pairs []string
	var attributes func([]sandbox.Attribute)
	attributes = func(list []sandbox.Attribute) {
		for _, a := range list {
			pairs = append(pairs, "<"+a.Name+">", a.ID)
			attributes(a.Columns)
		}
	}
	for _, t := range s.Account().Templates {
		for _, g := range t.Groups {
			attributes(g.Attributes)
		}
	}
	for _, v := range s.Account().Vocabularies {
		for _, x := range v.Values {
			pairs = append(pairs, "<"+x.Name+">", x.ID)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
