package dashboard

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// millions fills a journal with so many entries, filed in the last 24 hours with an event
// each, of which the last are held for one reason, and others for one each.
func millions(tb testing.TB, n, held, each int) *rig {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "journal.db")
	j, err := journal.Open(tb.Context(), path, journal.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	if err := j.Close(); err != nil {
		tb.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	const series = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) `
	status := fmt.Sprintf(`CASE WHEN i > %d THEN 'held' ELSE 'filed' END`, n-held-each)
	now := time.Now().UnixMilli()
	for _, step := range []struct {
		text string
		args []any
	}{
		{`PRAGMA synchronous = OFF`, nil},
		{`INSERT INTO folders (name, path, watch, seen) VALUES ('photos', '/srv/photos', 'notify', ?)`, []any{n}},
		{series + `INSERT INTO entries (id, folder, path, generation, status, rests, size, mod_time, change_time, dev, ino, sha256, place,
				filename, object_id, file_id, original_file_id, seen_at, since, updated, class, message, hint, asset)
			SELECT i, 'photos', CAST(printf('brand-%03d/campaign-%05d/IMG_%07d.jpg', i / 50000, i / 500, i) AS BLOB), 1, ` + status + `, 1,
				1000000 + i, i, i, 64768, i, randomblob(32), 0, printf('IMG_%07d.jpg', i),
				hex(randomblob(16)), hex(randomblob(16)), hex(randomblob(16)), 1, 1, 1, '',
				CASE WHEN i > ?2 THEN printf('%s is no date', char(97 + i % 26) || hex(i)) WHEN ` + status + ` = 'held' THEN 'Brand: "acmee" is no value' ELSE '' END, '',
				'{"templateId":"t","metadata":[' || printf('%.600c', 'm') || ']}' FROM n`, []any{n, n - each}},
		{series + `INSERT INTO events (at, entry_id, kind, was) SELECT ?2 + i * 82800000 / ?1, i, ` + status + `, 'verified' FROM n`, []any{n, now - 23*time.Hour.Milliseconds()}},
	} {
		if _, err := db.ExecContext(tb.Context(), step.text, step.args...); err != nil {
			tb.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
	return newRigAt(tb, path)
}

// BenchmarkPage asks for pages over a journal of a million entries, of which 20,000 are
// held: for one reason, and 5,000 for one each. Changed is with a commit before each.
func BenchmarkPage(b *testing.B) {
	r := millions(b, 1_000_000, 20_000, 5_000)
	mux := http.NewServeMux()
	r.page.Register(mux)
	ask := func(b *testing.B, path string) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
	begun := time.Now()
	ask(b, "/")
	b.Logf("the first page: %v", time.Since(begun))
	b.Run("books-alone", func(b *testing.B) { // of what the page takes, the counts of the folders
		for b.Loop() {
			if _, err := report.Folders(b.Context(), r.j.Reader()); err != nil {
				b.Fatal(err)
			}
		}
	})
	trouble := url.Values{"folder": {"photos"}, "status": {"held"}, "form": {reasons.Form(`Brand: "x" is no value`, "x")}}
	for name, path := range map[string]string{
		"page": "/", "list": "/files?" + trouble.Encode(), "search": "/files?q=IMG_0999999", "search-none": "/files?q=nowhere", "history": "/file?id=999999",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ask(b, path)
			}
		})
	}
	b.Run("page-changed", func(b *testing.B) {
		for b.Loop() {
			id := int64(999_999)
			r.move(id, journal.Held, journal.Settled, journal.Reason{})
			ask(b, "/")
			r.move(id, journal.Settled, journal.Held, unknownBrand)
		}
	})
}
