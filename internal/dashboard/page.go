package dashboard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"mime"
	"net/http"
	"path"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Deps are what a Page works with.
type Deps struct {
	// Lists is a reader for the pages, which are sent when they are complete. Whole is one
	// for status.json alone: a client that is slow to read that holds one of its connections,
	// and none that anybody else waits for. Nil is Lists.
	Lists, Whole *journal.Reader
	// News tells of commits to the journal; nil tells of none.
	News News
	// Active lists the files that are worked on; nil: none are.
	Active func() []Active
	// Ask has a request carried out as the commands do, and returns what became of each
	// file. It may outlast ctx: then the request is carried out all the same.
	Ask func(ctx context.Context, a Action) ([]Outcome, error)
	// History tells what happened to a file, oldest first; nil: nobody knows.
	History func(ctx context.Context, id int64) ([]Happening, error)
	// Token returns what a form must send along, so that no other site can.
	Token func(*http.Request) string
	// Stream prepares a handler whose reply goes on as long as its client listens; the
	// context of its request ends when it has to return. Nil leaves the handler as it is.
	Stream func(http.Handler) http.Handler
	// AssetURL is the address of an asset, with {object_id} or {file_id}; "" is none.
	AssetURL string
	Version  string
	Log      zerolog.Logger
}

// News is the journal, as far as the page waits for it.
type News interface {
	Notify(c chan<- struct{}, about ...journal.Topic)
}

// Active is a file that is worked on.
type Active struct {
	ID           int64
	Folder, Path string
	Size, Sent   int64 // bytes
}

// Happening is something that happened to a file.
type Happening struct {
	At           time.Time
	Text         string
	Reason, Hint string
	Count        int       // how often, where it was more than once
	Last         time.Time // the last time then
}

// Page is the status page. Its methods may be called from several goroutines.
type Page struct {
	Deps
	templates *template.Template
	now       *current
	viewers   *viewers
}

// assets are what the page consists of.
//
//go:embed assets
var assets embed.FS

// New makes the page. It does nothing while nobody looks.
func New(d Deps) *Page {
	if d.Active == nil {
		d.Active = func() []Active { return nil }
	}
	if d.Whole == nil {
		d.Whole = d.Lists
	}
	if d.Stream == nil {
		d.Stream = func(h http.Handler) http.Handler { return h }
	}
	p := &Page{Deps: d}
	p.templates = template.Must(template.New("").Funcs(template.FuncMap{"asset": assetLink}).ParseFS(assets, "assets/*.html"))
	p.now = newCurrent(p)
	p.viewers = newViewers(p)
	return p
}

// Register adds the page's addresses to a mux. All links are relative to the page's own
// address, so that it can be behind a proxy, at whatever path.
func (p *Page) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.servePage)
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, req *http.Request) { serveStatus(w, req, p.Whole) })
	mux.Handle("GET /live", p.Stream(http.HandlerFunc(p.serveLive)))
	mux.HandleFunc("GET /files", p.serveFiles)
	mux.HandleFunc("GET /file", p.serveFile)
	mux.HandleFunc("POST /retry", p.serveAction)
	mux.HandleFunc("POST /cancel", p.serveAction)
	mux.HandleFunc("GET /assets/{name}", serveAsset)
}

// assetSums tell the versions of the assets apart, so that a browser keeps each.
var assetSums = func() map[string]string {
	sums := map[string]string{}
	for _, name := range []string{"page.css", "page.js", "icon.svg"} {
		data, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // it is part of the program
		}
		sum := sha256.Sum256(data)
		sums[name] = hex.EncodeToString(sum[:6])
	}
	return sums
}()

func assetLink(name string) string { return "assets/" + name + "?v=" + assetSums[name] }

func serveAsset(w http.ResponseWriter, req *http.Request) {
	name := req.PathValue("name")
	sum, ok := assetSums[name]
	if !ok {
		http.NotFound(w, req)
		return
	}
	data, err := assets.ReadFile("assets/" + name)
	if err != nil {
		http.NotFound(w, req)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Cache-Control", "no-cache")
	if req.URL.Query().Get("v") == sum {
		w.Header().Set("Cache-Control", "max-age=31536000, immutable")
	}
	http.ServeContent(w, req, name, time.Time{}, bytes.NewReader(data))
}

// frame is what every page has.
type frame struct {
	Title, Query, Token, Version string
}

func (p *Page) frame(req *http.Request, title string) frame {
	return frame{Title: title, Version: p.Version, Token: p.Token(req)}
}

// send renders a page before anything of it is sent.
func (p *Page) send(w http.ResponseWriter, name string, data any) {
	var out bytes.Buffer
	if err := p.templates.ExecuteTemplate(&out, name, data); err != nil {
		p.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(out.Bytes())
}

// fail answers that something cannot be shown.
func (p *Page) fail(w http.ResponseWriter, err error) {
	p.Log.Warn().Err(err).Msg("the status page could not be shown")
	http.Error(w, unreadable, http.StatusInternalServerError)
}

func (p *Page) servePage(w http.ResponseWriter, req *http.Request) {
	s, err := p.now.fresh(req.Context())
	if err != nil {
		if req.Context().Err() == nil {
			p.fail(w, err)
		}
		return
	}
	parts, err := p.parts(s, p.Token(req))
	if err != nil {
		p.fail(w, err)
		return
	}
	p.send(w, "page", struct {
		frame
		At    time.Time
		Parts []part
	}{p.frame(req, s.title()), s.at, parts})
}
