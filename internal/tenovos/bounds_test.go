package tenovos

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// torrent writes JSON without end until the client leaves, at most 64 MiB of it, and
// counts what went out.
func torrent(sent *atomic.Int64, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		n, _ := io.WriteString(w, `{"message":"`)
		sent.Add(int64(n))
		block := []byte(strings.Repeat("a", 64<<10))
		for sent.Load() < 64<<20 {
			n, err := w.Write(block)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, `"}`)
	}
}

func TestRepliesAreBounded(t *testing.T) {
	asset := func(c *Client) error { _, err := c.Asset(t.Context(), "a"); return err }
	for _, tc := range []struct {
		name, route string
		status      int
		call        func(c *Client) error
		limit       int64
		says        string
	}{
		{"user", "GET /user", 200, func(c *Client) error { _, err := c.CurrentUser(t.Context()); return err }, maxWordsReply, "larger than 1.0 MiB"},
		{"content link", "GET /asset/a/content", 200, func(c *Client) error { _, err := c.ContentLink(t.Context(), "a"); return err }, maxWordsReply, "larger than 1.0 MiB"},
		{"delete", "POST /asset/a/delete", 200, func(c *Client) error { return c.DeleteAsset(t.Context(), "a") }, maxWordsReply, "larger than 1.0 MiB"},
		{"asset", "GET /asset/a", 200, asset, maxAssetReply, "larger than 16 MiB"},
		{"search", "POST /search/keyword", 200, func(c *Client) error { _, err := c.Search(t.Context(), Query{}); return err }, maxAssetReply, "larger than 16 MiB"},
		{"templates", "GET /metadata/template", 200, func(c *Client) error { _, err := c.Templates(t.Context()); return err }, maxNamesReply, "larger than 32 MiB"},
		{"create", "POST /asset", 200, func(c *Client) error { _, err := c.CreateAsset(t.Context(), NewAsset{Filename: "f"}); return err }, maxCreateReply, "larger than 4.0 MiB"},
		{"refusal", "GET /asset/a", 500, asset, maxErrorReply, "JSON that cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			var sent atomic.Int64
			f.route(tc.route, torrent(&sent, tc.status))
			err := tc.call(f.client())
			if err == nil || !strings.Contains(err.Error(), tc.says) || !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrAmbiguous) {
				t.Errorf("got %v, want an error that says %q", err, tc.says)
			}
			// What the sockets hold comes on top.
			if got := sent.Load(); got > tc.limit+(12<<20) {
				t.Errorf("%d bytes were taken, want little more than %d", got, tc.limit)
			}
		})
	}
}

// A login that never ends is one, too, and so are endless headers.
func TestLoginReplyIsBounded(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"body": torrent(new(atomic.Int64), 200),
		"headers": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 2000 {
				w.Header().Set(fmt.Sprint("X-Padding-", i), strings.Repeat("x", 100))
			}
		},
	} {
		f := newFake(t)
		f.auth = answer
		if err := f.client().Login(t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A compressed reply counts as what it unpacks to.
func TestCompressedReplyIsBounded(t *testing.T) {
	f := newFake(t)
	f.route("GET /user", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"userId":"u"`+strings.Repeat(" ", 64<<20)+`}`)
		_ = z.Close()
	})
	_, err := f.client().CurrentUser(t.Context())
	if err == nil || !strings.Contains(err.Error(), "larger than 1.0 MiB") {
		t.Errorf("got %v", err)
	}
}

// The URLs of ten thousand parts are what a create can need.
func TestTenThousandURLs(t *testing.T) {
	f := newFake(t)
	var urls strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&urls, `,{"partNumber":%d,"url":"https://bucket.example/%s"}`, i+1, strings.Repeat("x", 2500))
	}
	f.reply("POST /asset", 200, `{"objectId":"o","fileId":"f","uploadId":"u","urls":[`+urls.String()[1:]+`]}`)
	u, err := f.client().CreateAsset(t.Context(), NewAsset{Filename: "f", Size: 10_000 * MultipartOver})
	if err != nil || len(u.URLs) != 10_000 {
		t.Errorf("%d URLs, %v", len(u.URLs), err)
	}
}

// What is nested deeper than any reply is not taken apart level by level, each of
// which would be read as often as there are levels above it.
func TestDeepReplies(t *testing.T) {
	const levels = 3000
	nest := func(open, core, end string) string {
		return strings.Repeat(open, levels) + core + strings.Repeat(end, levels)
	}
	text := `{"message":"found"}` // JSON in a string in JSON, and so on, without doubling its escapes
	for range 20 {
		text = `{"body":"` + strings.NewReplacer(`\`, `\u005c`, `"`, `\u0022`).Replace(text) + `"}`
	}
	for name, body := range map[string]string{
		"bodies":     nest(`{"body":`, `{"message":"found"}`, `}`),
		"lists":      nest(`[`, ``, `]`),
		"open lists": nest(`[`, ``, ``),
		"messages":   `{"message":` + nest(`{"message":`, `"found"`, `}`) + `}`,
		"in strings": text,
		"in a string": `{"body":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(nest(`{"body":`, `{"message":"found"}`, `}`)) +
			`"}`,
	} {
		for _, status := range []int{200, 502} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				f := newFake(t)
				f.reply("GET /asset/a", status, body)
				_, err := f.client().Asset(t.Context(), "a")
				if err == nil || strings.Contains(err.Error(), "found") {
					t.Errorf("got %v, want a failure that was not looked for at the bottom", err)
				}
			})
		}
	}
	table := nest(`[[{"metadataDefinitionId":"d","metadataDefinitionTableValue":`, `[]`, `}]]`)
	f := newFake(t)
	f.reply("GET /asset/a", 200, `{"fileId":"f","metadata":[{"metadataDefinitionId":"d","metadataDefinitionTableValue":`+table+`}]}`)
	if _, err := f.client().Asset(t.Context(), "a"); !errors.Is(err, errDeep) {
		t.Errorf("tables in tables: got %v", err)
	}
}
