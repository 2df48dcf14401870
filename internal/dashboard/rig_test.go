package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// policy is what a browser may do with the pages; internal/access sends the like.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const token = "the-token"

// rig is a page over a journal that a test fills.
type rig struct {
	t    testing.TB
	j    *journal.Journal
	page *Page
	url  string
	gone func() // ends the server

	mu     sync.Mutex
	active []Active
	asked  []Action
	answer func(Action) ([]Outcome, error)
}

func newRig(t testing.TB) *rig {
	t.Helper()
	return newRigAt(t, filepath.Join(t.TempDir(), "journal.db"))
}

// newRigAt is newRig over a journal at a path.
func newRigAt(t testing.TB, path string) *rig {
	t.Helper()
	r := &rig{t: t}
	var err error
	if r.j, err = journal.Open(context.Background(), path, journal.Options{}); err != nil {
		t.Fatal(err)
	}
	lists, err := journal.OpenReader(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := journal.OpenReader(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	r.page = New(Deps{
		Lists: lists, Whole: whole, News: r.j, Active: r.activeNow, Ask: r.ask,
		Token:    func(*http.Request) string { return token },
		AssetURL: "https://dam.example/asset/{object_id}", Version: "v0", Log: zerolog.New(zerolog.NewTestWriter(t)),
	})
	mux := http.NewServeMux()
	r.page.Register(mux)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if req.Method == http.MethodPost && req.Header.Get("X-CSRF-Token") != token && req.PostFormValue("csrf") != token {
			http.Error(w, "no token", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, req)
	}))
	r.url = srv.URL
	r.gone = sync.OnceFunc(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	t.Cleanup(func() {
		r.gone()
		if err := errors.Join(lists.Close(), whole.Close(), r.j.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) activeNow() []Active {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Active(nil), r.active...)
}

// work sets what is worked on.
func (r *rig) work(active ...Active) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active = slices.Clone(active)
}

func (r *rig) ask(_ context.Context, a Action) ([]Outcome, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, a)
	if r.answer == nil {
		return []Outcome{{ID: a.ID, Result: "requeued", Good: true}}, nil
	}
	return r.answer(a)
}

// actions are what was asked for so far.
func (r *rig) actions() []Action {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Action(nil), r.asked...)
}

// admit has files found, and returns the ids of their entries.
func (r *rig) admit(folder string, size int64, paths ...string) []int64 {
	r.t.Helper()
	found := make([]file.File, len(paths))
	for i, p := range paths {
		found[i] = file.File{Folder: folder, Path: p, Stat: file.Stat{Size: size, ModTime: int64(i + 1)}}
	}
	if _, err := r.j.Admit(context.Background(), found); err != nil {
		r.t.Fatal(err)
	}
	ids := make([]int64, len(paths))
	for i, p := range paths {
		e, ok, err := r.j.Reader().Latest(context.Background(), folder, p)
		if err != nil || !ok {
			r.t.Fatal(p, ok, err)
		}
		ids[i] = e.ID
	}
	return ids
}

// move moves an entry.
func (r *rig) move(id int64, from, to journal.Status, why journal.Reason) {
	r.t.Helper()
	if _, err := r.j.Advance(context.Background(), journal.Move{ID: id, From: from, To: to, Reason: why}); err != nil {
		r.t.Fatal(err)
	}
}

// upload has an entry go on to its upload, of which the first of two parts is stored.
func (r *rig) upload(id, size int64, filename string) {
	r.t.Helper()
	ctx := context.Background()
	half := size / 2
	for _, m := range []journal.Move{
		{From: journal.Settled, To: journal.Mapped, Asset: []byte("{}"), Filename: filename},
		{From: journal.Mapped, To: journal.Creating},
		{From: journal.Creating, To: journal.Uploading, Created: &journal.Creation{ObjectID: fmt.Sprint("object-", id), FileID: fmt.Sprint("file-", id), UploadID: "u", Parts: []journal.Part{
			{Number: 1, Size: half, URL: "https://store.example/1?X-Amz-Signature=s3cret"}, {Number: 2, Offset: half, Size: size - half, URL: "https://store.example/2?X-Amz-Signature=s3cret"},
		}}},
	} {
		m.ID = id
		if _, err := r.j.Advance(ctx, m); err != nil {
			r.t.Fatal(err)
		}
	}
}

// file has an entry that is uploaded come to its end.
func (r *rig) file(id int64) {
	r.t.Helper()
	for _, m := range []journal.Move{
		{From: journal.Uploading, To: journal.Completing}, {From: journal.Completing, To: journal.Verifying},
		{From: journal.Verifying, To: journal.Verified}, {From: journal.Verified, To: journal.Filed},
	} {
		m.ID = id
		if _, err := r.j.Advance(context.Background(), m); err != nil {
			r.t.Fatal(err)
		}
	}
}

// folder sets what the watcher says of a folder.
func (r *rig) folder(s journal.FolderState) {
	r.t.Helper()
	if err := journal.FoldersOf(r.j).Set(context.Background(), s); err != nil {
		r.t.Fatal(err)
	}
}

// get asks for an address.
func (r *rig) get(path string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.send(req)
}

// send sends a request, and returns the code and the body of the reply.
func (r *rig) send(req *http.Request) (int, string) {
	r.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// post sends a form with the token.
func (r *rig) post(path string, form url.Values, accept string) (int, string) {
	r.t.Helper()
	form.Set("csrf", token)
	req, err := http.NewRequest(http.MethodPost, r.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", accept)
	return r.send(req)
}

// many are n names of files.
func many(n int, format string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i+1)
	}
	return out
}

var (
	unknownBrand = journal.Reason{Class: "metadata", Message: `Brand: "acmee" is no value of the vocabulary Brands`, Hint: "Correct the folder's name, or add the value to the vocabulary."}
	tooLarge     = journal.Reason{Class: "too-large", Message: "the file has 9,999,999,999 bytes, where 5,368,709,120 are allowed: more than upload.max_file_size", Hint: "Raise upload.max_file_size if the account takes such files, then run `ingestd reload` and `ingestd retry ID`."}
)

// empty is a page of folders in which nothing was found yet.
func empty(t testing.TB) *rig {
	r := newRig(t)
	r.folder(journal.FolderState{Name: "campaigns", Path: "/srv/drop/campaigns", Watch: "notify", LastScan: time.Now()})
	return r
}

// busy is a page of folders in which files are on their way, and some wait.
func busy(t testing.TB) *rig {
	r := empty(t)
	done := r.admit("campaigns", 4<<20, many(12, "acme/spring/IMG_%04d.jpg")...)
	for _, id := range done {
		r.upload(id, 4<<20, fmt.Sprintf("IMG_%04d.jpg", id))
		r.file(id)
	}
	way := r.admit("campaigns", 450<<20, "acme/spring/making-of.mov", "acme/spring/trailer <b>final</b>.mov")
	for _, id := range way {
		r.upload(id, 450<<20, fmt.Sprint(id, ".mov"))
	}
	r.admit("campaigns", 3<<20, many(5, "acme/summer/IMG_%04d.tif")...)
	r.folder(journal.FolderState{
		Name: "campaigns", Path: "/srv/drop/campaigns", Watch: "notify", Settling: 4, Open: 2, Arriving: 1, Beside: "acme/x.jpg.part", LastScan: time.Now(),
	})
	r.folder(journal.FolderState{Name: "archive", Path: "/mnt/archive", Watch: "poll", Paused: "/mnt/archive is not mounted: the marker .mounted is missing"})
	r.work(Active{ID: way[0], Folder: "campaigns", Path: "acme/spring/making-of.mov", Size: 450 << 20, Sent: 300 << 20},
		Active{ID: way[1], Folder: "campaigns", Path: "trailer", Size: 450 << 20, Sent: 20 << 20})
	return r
}

// failures is a busy page where a thousand files are held for one reason, and some failed.
func failures(t testing.TB) *rig {
	r := busy(t)
	for _, id := range r.admit("campaigns", 2<<20, many(1000, "acmee/autumn/IMG_%04d.jpg")...) {
		r.move(id, journal.Settled, journal.Held, unknownBrand)
	}
	for i, id := range r.admit("campaigns", 9_999_999_999, "acme/film/long.mov", "acme/film/longer.mov") {
		why := tooLarge
		why.Message = strings.Replace(why.Message, "9,999,999,999", fmt.Sprintf("%d,999,999,999", 8+i), 1)
		r.move(id, journal.Settled, journal.Failed, why)
	}
	strange := r.admit("campaigns", 1, "acme/\u202egpj.<script>alert(1)</script>\n\xff\"'.jpg")[0]
	r.move(strange, journal.Settled, journal.Held, journal.Reason{Class: "unreadable", Message: "permission denied: <img src=x onerror=alert(1)>", Hint: "Let the user ingestd read it."})
	return r
}
