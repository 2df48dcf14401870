package contract

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// operation is a method of the client and what it asks of the API.
type operation struct {
	method, id string // of tenovos.Client; operationId
	call       func(context.Context, *tenovos.Client, subject) error
}

// subject is what an operation works on.
type subject struct {
	objectID, fileID string
	asset            tenovos.NewAsset
	upload           tenovos.Completion
}

// operations are all methods of the client that make a request of their own.
var operations = []operation{
	{"Login", "GetAuthToken", func(ctx context.Context, c *tenovos.Client, _ subject) error { return c.Login(ctx) }},
	{"Refresh", "GetAuthToken", func(ctx context.Context, c *tenovos.Client, _ subject) error { return c.Refresh(ctx) }},
	{"ExpireToken", "ExpireToken", func(ctx context.Context, c *tenovos.Client, _ subject) error { return c.ExpireToken(ctx) }},
	{"Impersonate", "Impersonate", func(ctx context.Context, c *tenovos.Client, _ subject) error {
		_, err := c.Impersonate(ctx, "librarian")
		return err
	}},
	{"CurrentUser", "GetCurrentUser", func(ctx context.Context, c *tenovos.Client, _ subject) error {
		_, err := c.CurrentUser(ctx)
		return err
	}},
	{"CreateAsset", "CreateAsset", func(ctx context.Context, c *tenovos.Client, s subject) error {
		_, err := c.CreateAsset(ctx, s.asset)
		return err
	}},
	{"CompleteUpload", "FinishUpload", func(ctx context.Context, c *tenovos.Client, s subject) error { return c.CompleteUpload(ctx, s.upload) }},
	{"CancelUpload", "FinishUpload", func(ctx context.Context, c *tenovos.Client, s subject) error { return c.CancelUpload(ctx, s.upload) }},
	{"UpdateAsset", "UpdateAsset", func(ctx context.Context, c *tenovos.Client, s subject) error {
		return c.UpdateAsset(ctx, s.objectID, tenovos.Edit{Metadata: s.asset.Metadata})
	}},
	{"BulkEdit", "EditAssets", func(ctx context.Context, c *tenovos.Client, s subject) error {
		_, err := c.BulkEdit(ctx, tenovos.BulkEdit{TemplateID: templateID, ObjectIDs: []string{s.objectID}, SecurityIDs: []string{internalID}})
		return err
	}},
	{"Asset", "GetAsset", func(ctx context.Context, c *tenovos.Client, s subject) error {
		_, err := c.Asset(ctx, s.fileID)
		return err
	}},
	{"LatestAsset", "GetLatestVersion", func(ctx context.Context, c *tenovos.Client, s subject) error {
		_, err := c.LatestAsset(ctx, s.objectID)
		return err
	}},
	{"Versions", "GetVersions", func(ctx context.Context, c *tenovos.Client, s subject) error {
		_, err := c.Versions(ctx, s.objectID)
		return err
	}},
	{"ContentLink", "GetAssetContent", func(ctx context.Context, c *tenovos.Client, s subject) error {
		_, err := c.ContentLink(ctx, s.objectID)
		return err
	}},
	{"DeleteAsset", "DeleteAsset", func(ctx context.Context, c *tenovos.Client, s subject) error { return c.DeleteAsset(ctx, s.objectID) }},
	{"UndeleteAsset", "DeleteAsset", func(ctx context.Context, c *tenovos.Client, s subject) error { return c.UndeleteAsset(ctx, s.objectID) }},
	{"Templates", "GetMetadataTemplates", func(ctx context.Context, c *tenovos.Client, _ subject) error {
		_, err := c.Templates(ctx)
		return err
	}},
	{"Template", "GetMetadataTemplate", func(ctx context.Context, c *tenovos.Client, s subject) error {
		_, err := c.Template(ctx, s.asset.TemplateID)
		return err
	}},
	{"Vocabularies", "GetAllControlledVocab", func(ctx context.Context, c *tenovos.Client, _ subject) error {
		_, err := c.Vocabularies(ctx)
		return err
	}},
	{"Vocabulary", "GetControlledVocab", func(ctx context.Context, c *tenovos.Client, _ subject) error {
		_, err := c.Vocabulary(ctx, sandbox.SeedID("vocabulary", "Brand"))
		return err
	}},
	{"SecurityTemplates", "GetSecurityTemplates", func(ctx context.Context, c *tenovos.Client, _ subject) error {
		_, err := c.SecurityTemplates(ctx)
		return err
	}},
	{"Search", "Search", func(ctx context.Context, c *tenovos.Client, _ subject) error {
		_, err := c.Search(ctx, tenovos.Query{})
		return err
	}},
	{"Scan", "ScanAssets", func(ctx context.Context, c *tenovos.Client, _ subject) error {
		_, err := c.Scan(ctx, tenovos.Query{})
		return err
	}},
}

// ids are the operationIds of the operations, each once.
func ids() []string {
	var list []string
	for _, op := range operations {
		if !slices.Contains(list, op.id) {
			list = append(list, op.id)
		}
	}
	return list
}

// A method of the client that is not in the table would go unchecked, and so
// would an operation of the sandbox that the client does not use.
func TestTableIsComplete(t *testing.T) {
	known := []string{
		"Ahead", "Close", // make no request
		"Ready", // makes a login or a refresh, if any
	}
	for _, op := range operations {
		known = append(known, op.method)
	}
	client := reflect.TypeFor[*tenovos.Client]()
	for method := range client.Methods() {
		if name := method.Name; !slices.Contains(known, name) {
			t.Errorf("tenovos.Client.%s is not held against the API's documents", name)
		}
	}
	have := append(ids(), sandbox.PutObject, sandbox.PutPart, sandbox.GetObject)
	for _, id := range sandbox.Operations() {
		if !slices.Contains(have, id) {
			t.Errorf("the sandbox's %s is not held against the API's documents", id)
		}
	}
}
