package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// refuse makes the sandbox refuse each operation in each way that the client
// can bring about.
func refuse(t *testing.T, s *service) {
	ctx := t.Context()
	c := s.client()
	good := made(t, s, c)

	// Whatever is asked, without the right key and without a session.
	for _, op := range operations {
		for _, header := range []string{"X-Api-Key", "Accesstoken"} {
			own := s.client()
			if err := own.Login(ctx); err != nil {
				t.Fatal(err)
			}
			if op.id == "GetAuthToken" && header == "Accesstoken" {
				continue // it needs no session
			}
			s.rec.tampering(func(r *http.Request) {
				if r.Header.Get(header) != "" {
					r.Header.Set(header, "wrong")
				}
			})
			err := op.call(ctx, own, good)
			s.rec.tampering(nil)
			if !errors.Is(err, tenovos.ErrUnauthorized) {
				t.Errorf("API %s: %s with a wrong %s: %v", s.rec.doc.version, op.method, header, err)
			}
		}
	}

	unknown := uuid.NewString()
	nobody := good
	nobody.objectID, nobody.fileID, nobody.asset.TemplateID = unknown, unknown, unknown
	asset := func(change func(*tenovos.NewAsset)) subject {
		x := good
		change(&x.asset)
		return x
	}
	do := func(method string) func(context.Context, *tenovos.Client, subject) error { return find(t, method).call }
	for _, r := range []struct {
		name string
		do   func(context.Context, *tenovos.Client, subject) error
		with subject
		kind error
	}{
		{"unknown template", do("CreateAsset"), nobody, tenovos.ErrNotFound},
		{"no security", do("CreateAsset"), asset(func(a *tenovos.NewAsset) { a.SecurityIDs = nil }), tenovos.ErrRejected},
		{"no filename", do("CreateAsset"), asset(func(a *tenovos.NewAsset) { a.Filename = "" }), tenovos.ErrRejected},
		{"unknown original", do("CreateAsset"), asset(func(a *tenovos.NewAsset) { a.OriginalFileID = unknown }), tenovos.ErrRejected},
		{"unknown attribute", do("CreateAsset"), asset(func(a *tenovos.NewAsset) {
			a.Metadata = []tenovos.Value{tenovos.TextValue(unknown, "x")}
		}), tenovos.ErrRejected},
		{"unknown asset", do("Asset"), nobody, tenovos.ErrNotFound},
		{"latest of an unknown asset", do("LatestAsset"), nobody, tenovos.ErrNotFound},
		{"versions of an unknown asset", do("Versions"), nobody, tenovos.ErrNotFound},
		{"content of an unknown asset", do("ContentLink"), nobody, tenovos.ErrUnavailable},
		{"delete an unknown asset", do("DeleteAsset"), nobody, tenovos.ErrAmbiguous},
		{"undelete what is not deleted", do("UndeleteAsset"), good, tenovos.ErrRejected},
		{"edit an unknown asset", do("UpdateAsset"), nobody, tenovos.ErrNotFound},
		{"edit with an unknown attribute", do("UpdateAsset"), asset(func(a *tenovos.NewAsset) {
			a.Metadata = []tenovos.Value{tenovos.TextValue(unknown, "x")}
		}), tenovos.ErrRejected},
		{"edit with unknown security", func(ctx context.Context, c *tenovos.Client, s subject) error {
			return c.UpdateAsset(ctx, s.objectID, tenovos.Edit{SecurityIDs: []string{unknown}})
		}, good, tenovos.ErrRejected},
		{"bulk edit of an unknown asset", do("BulkEdit"), nobody, tenovos.ErrRejected},
		{"bulk edit of nothing", func(ctx context.Context, c *tenovos.Client, s subject) error {
			_, err := c.BulkEdit(ctx, tenovos.BulkEdit{TemplateID: templateID})
			return err
		}, good, tenovos.ErrRejected},
		{"bulk edit with an unknown template", func(ctx context.Context, c *tenovos.Client, s subject) error {
			_, err := c.BulkEdit(ctx, tenovos.BulkEdit{TemplateID: unknown, ObjectIDs: []string{s.objectID}, SecurityIDs: []string{internalID}})
			return err
		}, good, tenovos.ErrRejected},
		{"complete without an upload", do("CompleteUpload"), good, tenovos.ErrNoSuchUpload},
		{"cancel without an upload", do("CancelUpload"), good, tenovos.ErrNoSuchUpload},
		{"complete without parts", func(ctx context.Context, c *tenovos.Client, s subject) error {
			s.upload.Parts = nil
			return c.CompleteUpload(ctx, s.upload)
		}, good, tenovos.ErrRejected},
		{"unknown metadata template", do("Template"), nobody, tenovos.ErrNotFound},
		{"unknown vocabulary", func(ctx context.Context, c *tenovos.Client, _ subject) error {
			_, err := c.Vocabulary(ctx, unknown)
			return err
		}, good, tenovos.ErrNotFound},
		{"search too deep", func(ctx context.Context, c *tenovos.Client, _ subject) error {
			_, err := c.Search(ctx, tenovos.Query{From: 10_000})
			return err
		}, good, tenovos.ErrRejected},
		{"scan with a made up cursor", func(ctx context.Context, c *tenovos.Client, _ subject) error {
			_, err := c.Scan(ctx, tenovos.Query{Cursor: "?"})
			return err
		}, good, tenovos.ErrRejected},
		{"impersonate nobody", func(ctx context.Context, c *tenovos.Client, _ subject) error {
			_, err := c.Impersonate(ctx, "nobody")
			return err
		}, good, tenovos.ErrUnauthorized},
		{"log in with a wrong password", func(ctx context.Context, _ *tenovos.Client, _ subject) error {
			return s.client(func(cfg *tenovos.Config) { cfg.Password = secret.Text("wrong") }).Login(ctx)
		}, good, tenovos.ErrCredentials},
	} {
		if err := r.do(ctx, c, r.with); !errors.Is(err, r.kind) {
			t.Errorf("API %s: %s: %v, want %v", s.rec.doc.version, r.name, err, r.kind)
		}
	}

	// A session that has ended is renewed on the way.
	for _, refreshToo := range []bool{false, true} {
		s.sandbox.ExpireSessions(refreshToo)
		if _, err := c.CurrentUser(ctx); err != nil {
			t.Errorf("API %s: after the session's end: %v", s.rec.doc.version, err)
		}
	}
}

// made creates what the operations can work on.
func made(t *testing.T, s *service, c *tenovos.Client) subject {
	t.Helper()
	u, err := c.CreateAsset(t.Context(), newAsset("subject.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	s.put(t.Context(), u.URLs[0].URL, "bytes")
	return subject{u.ObjectID, u.FileID, newAsset("next.jpg"), tenovos.Completion{
		FileID: u.FileID, OriginalFileID: u.OriginalFileID, UploadID: "none", Filename: u.Filename, Size: 5,
		Parts: []tenovos.CompletedPart{{Number: 1, ETag: `"4b3a6218bb3e3a7303e8a171a60fcf92"`}},
	}}
}

func find(t *testing.T, method string) operation {
	t.Helper()
	for _, op := range operations {
		if op.method == method {
			return op
		}
	}
	t.Fatalf("no operation %s", method)
	return operation{}
}

// imitate lets the sandbox answer with each reply that the document shows. The
// client must find success where it is one, and else the service's own words.
func imitate(t *testing.T, s *service) {
	ctx := t.Context()
	good := made(t, s, s.client())
	for _, op := range operations {
		if op.method == "Refresh" {
			continue // falls back to Login, which stands above
		}
		for _, e := range s.rec.doc.examples(t, op.id) {
			c := s.client()
			if err := c.Login(ctx); err != nil {
				t.Fatal(err)
			}
			fault := sandbox.Fault{Operation: op.id, Kind: sandbox.FaultStatus, Status: e.status, Body: e.body}
			if e.status == http.StatusUnauthorized && op.id != "GetAuthToken" && op.id != "ExpireToken" {
				fault.Times = 2 // the client asks again
			}
			if err := s.sandbox.Queue(fault); err != nil {
				t.Fatal(err)
			}
			with := good
			if strings.Contains(e.name, "Federated") {
				with.asset.ContentPath = "s3://bucket/films/film.mov"
			}
			err := op.call(ctx, c, with)
			where := fmt.Sprintf("API %s: %s answered as in %d %s", s.rec.doc.version, op.method, e.status, e.name)
			if unused := s.sandbox.UnusedFaults(); len(unused) > 0 {
				t.Errorf("%s: never asked: %v", where, err)
				s.sandbox.ClearFaults()
			}
			var failed *tenovos.Error
			switch {
			case e.status == http.StatusOK && err != nil:
				t.Errorf("%s: %v", where, err)
			case e.status != http.StatusOK && (!errors.As(err, &failed) || failed.Status != e.status || !strings.Contains(e.body, strconv.Quote(failed.Message))):
				t.Errorf("%s: %v", where, err)
			}
		}
	}
}

// checkStatuses makes sure that each status that the document lists occurred.
func checkStatuses(t *testing.T, s *service) {
	for _, id := range ids() {
		answered := s.rec.answered(id)
		for _, code := range s.rec.doc.statuses(t, id) {
			if status, err := strconv.Atoi(code); err != nil || !answered[status] {
				t.Errorf("API %s: %s was never answered with %s", s.rec.doc.version, id, code)
			}
		}
	}
}
