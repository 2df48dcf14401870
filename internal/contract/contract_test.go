package contract

import (
	"reflect"
	"slices"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

func TestContract(t *testing.T) {
	for _, version := range []string{"1.5", "1.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := serve(t, version)
			work(t, s)
			checkVariants(t, s)
			refuse(t, s)
			imitate(t, s)
			checkStatuses(t, s)
			s.rec.checkUsed(t)
			for _, v := range s.sandbox.State().Violations {
				t.Errorf("the sandbox objects to %s: %s: %s", v.Operation, v.Rule, v.Detail)
			}
			if s.rec.store == 0 {
				t.Error("no request went to the content store")
			}
		})
	}
}

// work uses every operation as it is meant.
func work(t *testing.T, s *service) {
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	basic := s.client(func(cfg *tenovos.Config) { cfg.BasicLogin = true })
	ok(basic.Login(ctx))
	c := s.client()
	ok(c.Login(ctx))
	ok(c.Refresh(ctx))
	ok(c.Ready(ctx))

	// What there is.
	_, err := c.CurrentUser(ctx)
	ok(err)
	templates, err := c.Templates(ctx)
	ok(err)
	for _, shape := range []string{"beside", "inside"} {
		ok(s.sandbox.Configure(func(o *sandbox.Options) { o.TemplateNameShape = shape }))
		again, err := c.Templates(ctx)
		ok(err)
		for _, x := range again {
			one, err := c.Template(ctx, x.ID)
			ok(err)
			if !reflect.DeepEqual(one, x) {
				t.Errorf("template %s is another in the list", x.Name)
			}
		}
		if !reflect.DeepEqual(again, templates) {
			t.Errorf("with names %s, other templates are found", shape)
		}
	}
	vocabularies, err := c.Vocabularies(ctx)
	ok(err)
	for _, x := range vocabularies {
		_, err := c.Vocabulary(ctx, x.ID)
		ok(err)
	}
	_, err = c.SecurityTemplates(ctx)
	ok(err)
	_, err = c.Impersonate(ctx, "librarian")
	ok(err)

	// An asset and its content.
	first, err := c.CreateAsset(ctx, newAsset("apples #1 äöü.jpg"))
	ok(err)
	s.put(ctx, first.URLs[0].URL, "bytes")
	for _, id := range []string{first.ObjectID, first.FileID} {
		a, err := c.Asset(ctx, id)
		ok(err)
		if a.ObjectID != first.ObjectID || !a.HasContent || len(a.Metadata) != 5 {
			t.Errorf("asset %s comes back as %+v", id, a)
		}
	}
	link, err := c.ContentLink(ctx, first.ObjectID)
	ok(err)
	if got := s.get(ctx, link); got != "bytes" {
		t.Errorf("the content link leads to %q", got)
	}

	// A version of it, with a table, without content at first.
	version := newAsset(first.Filename)
	version.OriginalFileID = first.OriginalFileID
	version.Metadata = append(version.Metadata, tenovos.TableValue(rightsID, rights("EMEA"), rights("APAC")))
	second, err := c.CreateAsset(ctx, version)
	ok(err)
	latest, err := c.LatestAsset(ctx, first.ObjectID)
	ok(err)
	if latest.ObjectID != second.ObjectID {
		t.Errorf("the latest version is %s, not %s", latest.ObjectID, second.ObjectID)
	}
	versions, err := c.Versions(ctx, first.ObjectID)
	ok(err)
	if len(versions) != 2 {
		t.Errorf("there are %d versions", len(versions))
	}
	s.put(ctx, second.URLs[0].URL, "other")

	// Assets without an upload.
	bare := newAsset("idea")
	bare.NoContent, bare.Metadata = true, nil
	_, err = c.CreateAsset(ctx, bare)
	ok(err)
	federated := newAsset("film.mov")
	federated.ContentPath, federated.SkipTranscode = "s3://bucket/films/film.mov", true
	_, err = c.CreateAsset(ctx, federated)
	ok(err)

	// Multipart uploads: one is completed, one cancelled.
	big := newAsset("big.tif")
	big.Size = tenovos.MultipartOver + 1
	for _, finish := range []string{"complete", "cancel"} {
		u, err := c.CreateAsset(ctx, big)
		ok(err)
		k := tenovos.Completion{FileID: u.FileID, OriginalFileID: u.OriginalFileID, UploadID: u.UploadID, Filename: u.Filename}
		for _, part := range u.URLs {
			k.Parts = append(k.Parts, tenovos.CompletedPart{Number: part.Number, ETag: s.put(ctx, part.URL, "part")})
			k.Size += 4
		}
		if finish == "cancel" {
			ok(c.CancelUpload(ctx, k))
		} else {
			ok(c.CompleteUpload(ctx, k))
		}
	}

	// Edits of one and of many.
	ok(c.UpdateAsset(ctx, first.ObjectID, tenovos.Edit{
		Metadata:    append(newAsset("").Metadata, tenovos.TableValue(rightsID, rights("EMEA"))),
		SecurityIDs: []string{publicID},
	}))
	job, err := c.BulkEdit(ctx, tenovos.BulkEdit{
		TemplateID: templateID, ObjectIDs: []string{first.ObjectID, second.ObjectID}, SecurityIDs: []string{internalID}, AppendSecurity: true,
		Metadata: []tenovos.BulkValue{
			{Value: tenovos.TextValue(titleID, "and pears"), Append: true},
			{Value: tenovos.SingleValue(brandID, term("Brand/Globex"))},
			{Value: tenovos.MultiValue(channelsID, term("Channel/Social")), Append: true},
			{Value: tenovos.DateValue(shotDateID, "01/02/2025")},
			{Value: tenovos.TableValue(rightsID, rights("Americas")), Append: true},
		},
	})
	ok(err)
	if job.ID == "" {
		t.Error("a bulk edit has no job")
	}
	_, err = c.BulkEdit(ctx, tenovos.BulkEdit{TemplateID: templateID, ObjectIDs: []string{first.ObjectID}, SecurityIDs: []string{internalID}})
	ok(err)
	edited, err := c.Asset(ctx, first.FileID)
	ok(err)
	if i := slices.IndexFunc(edited.Metadata, func(v tenovos.Value) bool { return v.DefinitionID == rightsID }); i < 0 || len(edited.Metadata[i].Rows) != 2 {
		t.Errorf("no table of two rows in %+v", edited.Metadata)
	}

	// Away and back.
	ok(c.DeleteAsset(ctx, second.ObjectID))
	gone, err := c.Asset(ctx, second.ObjectID)
	ok(err)
	if !gone.Deleted() {
		t.Error("a deleted asset is not deleted")
	}

	// Searching, with and without what is deleted.
	page, err := c.Search(ctx, tenovos.Query{
		Terms: []string{"apples*", "big"}, Any: true, Field: tenovos.InFilename, IncludeDeleted: true, IncludeVersions: true,
		Sort: []tenovos.Sort{{SearchField: "lastUpdatedEpoch", Descending: true}},
	})
	ok(err)
	if page.Hits != 4 || len(page.Assets) != 4 {
		t.Errorf("a search finds %d of %d, not 4", len(page.Assets), page.Hits)
	}
	pages, found := 0, 0
	for q := (tenovos.Query{Limit: 2, Sort: []tenovos.Sort{{SearchField: "createdEpoch"}}}); ; pages++ {
		page, err := c.Scan(ctx, q)
		ok(err)
		found += len(page.Assets)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			break
		}
	}
	if pages < 2 || found != 5 {
		t.Errorf("a scan finds %d on %d pages, not 5 on some", found, pages+1)
	}
	ok(c.UndeleteAsset(ctx, second.ObjectID))

	if s.rec.doc.version == "1.5" { // 1.0 cannot do without
		lean := s.client(func(cfg *tenovos.Config) { cfg.OmitAccessToken = true })
		_, err = lean.CurrentUser(ctx)
		ok(err)
	}
	ok(c.ExpireToken(ctx))
}
