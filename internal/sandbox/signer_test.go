package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// otherStore is a store that the sandbox knows only as a StoreSigner.
type otherStore struct {
	mu      sync.Mutex
	url     string
	objects map[string]string
	parts   map[string]string // by upload id and number
	calls   []string
}

func newOtherStore(t *testing.T) *otherStore {
	o := &otherStore{objects: map[string]string{}, parts: map[string]string{}}
	ts := httptest.NewServer(o)
	t.Cleanup(ts.Close)
	o.url = ts.URL
	return o
}

func (o *otherStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := r.URL.Path[1:]
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, o.objects[key])
		return
	}
	body, _ := io.ReadAll(r.Body)
	if part := r.URL.RawQuery; part != "" {
		o.parts[part] = string(body)
	} else {
		o.objects[key] = string(body)
	}
	w.Header().Set("ETag", `"`+sum(string(body))+`"`)
}

func (o *otherStore) called(what string) { o.calls = append(o.calls, what) }

func (o *otherStore) PresignPut(_ context.Context, key, _ string, _ time.Duration) (string, error) {
	return o.url + "/" + escapeKey(key), nil
}

func (o *otherStore) PresignGet(_ context.Context, key string, _ time.Duration) (string, error) {
	return o.url + "/" + escapeKey(key), nil
}

func (o *otherStore) CreateUpload(context.Context, string, string) (string, error) { return "up", nil }

func (o *otherStore) PresignPart(_ context.Context, key, _, id string, part int, _ time.Duration) (string, error) {
	return fmt.Sprintf("%s/%s?%s.%d", o.url, escapeKey(key), id, part), nil
}

func (o *otherStore) CompleteUpload(_ context.Context, key, id string, parts []CompletedPart) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.called("complete")
	for _, p := range parts {
		body, ok := o.parts[fmt.Sprintf("%s.%d", id, p.PartNumber)]
		if !ok || p.ETag != `"`+sum(body)+`"` {
			return errors.New("InvalidPart: not that one")
		}
		o.objects[key] += body
	}
	return nil
}

func (o *otherStore) AbortUpload(context.Context, string, string) error {
	o.called("abort")
	return nil
}

func (o *otherStore) Head(_ context.Context, key string) (int64, string, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, ok := o.objects[key]
	return int64(len(body)), `"` + sum(body) + `"`, ok, nil
}

func TestAnotherStore(t *testing.T) {
	other := newOtherStore(t)
	c := start(t, Options{Store: other, MultipartAlways: true, ExtraURLs: 1})
	made := c.create(map[string]any{"filename": "a b.jpg"})
	if !strings.HasPrefix(made.text("url"), other.url+"/masters/") {
		t.Fatalf("%s", made.body)
	}
	show := func() answered { return c.get("/asset/" + made.text("fileId")) }
	if strings.Contains(string(show().body), "MD5Checksum") {
		t.Error("content before the PUT")
	}
	c.put(made.text("url"), "body").want(t, 200)
	show().want(t, 200, `"MD5Checksum":"`+sum("body")+`"`)
	c.get("/asset/"+made.text("objectId")+"/content").want(t, 200, other.url)

	made = c.create(map[string]any{"filesize": 10})
	var etags []string
	for i, u := range urls(made) {
		etags = append(etags, c.put(u, []string{"aaaaa", "bbbbb"}[i]).header.Get("ETag"))
	}
	c.post("/asset/complete", finish(made, "complete", etags[1], etags[0])).want(t, 400, "InvalidPart: not that one")
	c.post("/asset/complete", finish(made, "complete", etags...)).want(t, 200)
	if a := c.asset(made.text("objectId")); a.ContentMD5 != sum("aaaaabbbbb") || a.ContentSize != 10 || len(c.s.State().OpenUploads()) != 0 {
		t.Errorf("%+v", a)
	}
	delete(c.s.db.uploads, "up") // the other store gives every upload the same id
	made = c.create(map[string]any{"filesize": 10})
	c.post("/asset/complete", finish(made, "cancel")).want(t, 200)
	if got := strings.Join(other.calls, " "); got != "complete complete abort" {
		t.Errorf("calls: %s", got)
	}
}
