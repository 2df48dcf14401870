package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// newTemplatesRig ingests n files into an account whose template Document has the
// title of Creative Asset, too, and whose template Video has not.
func newTemplatesRig(t *testing.T, n int) *rig {
	t.Helper()
	r := newRig(t, func(o *sandbox.Options) {
		o.BulkLag, o.Account = time.Millisecond, sandbox.DefaultAccount()
		all := o.Account.Templates
		all[2].Groups[0].Attributes[0] = all[0].Groups[0].Attributes[0]
	})
	title := retitled(r)
	for i := range n {
		r.write(fmt.Sprintf("%02d.jpg", i), 100+i, uint64(i))
	}
	r.backfill()
	second := "second"
	title.Store(&second)
	return r
}

// librarian gives assets another template, as somebody does in Tenovos.
func (r *rig) librarian(template string, objectIDs ...string) {
	r.t.Helper()
	who := r.account.Users[1]
	c, err := tenovos.New(tenovos.Config{
		URL: r.web.URL + r.sandbox.Options().BasePath(), APIKey: secret.Text(r.account.APIKey),
		Username: who.Username, Password: secret.Text(who.Password),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	edit := tenovos.BulkEdit{TemplateID: template, ObjectIDs: objectIDs, SecurityIDs: []string{r.account.SecurityTemplates[0].ID}}
	if _, err := c.BulkEdit(r.t.Context(), edit); err != nil {
		r.t.Fatal(err)
	}
	for r.asset(objectIDs[0]).TemplateID != template {
		time.Sleep(time.Millisecond)
	}
}

func (r *rig) wantAsset(path, template, title string) {
	r.t.Helper()
	a := r.asset(r.entry(path).ObjectID)
	var got string
	if err := json.Unmarshal(a.Metadata[0].Value, &got); err != nil {
		r.t.Fatal(err)
	}
	if a.TemplateID != template || got != title {
		r.t.Errorf("%s has template %s and title %q, want %s and %q", path, a.TemplateID, got, template, title)
	}
}

// TestBulkEditKeepsChangedTemplates corrects assets of which some got other templates
// in Tenovos: they keep these, whether they take the correction or not.
func TestBulkEditKeepsChangedTemplates(t *testing.T) {
	t.Parallel()
	const n = 15
	r := newTemplatesRig(t, n)
	creative, video, document := r.account.Templates[0].ID, r.account.Templates[1].ID, r.account.Templates[2].ID
	r.librarian(document, r.entry("00.jpg").ObjectID, r.entry("01.jpg").ObjectID)
	r.librarian(video, r.entry("02.jpg").ObjectID)
	for _, o := range r.ask(desk.RequestUpdate, desk.Selection{}) {
		want := "updated"
		if o.Path == "02.jpg" {
			want = "failed"
		}
		if o.Result != want || want == "failed" && !strings.Contains(o.Detail, "its template was changed in Tenovos to "+video) {
			t.Errorf("%+v, want %s", o, want)
		}
	}
	r.wantAsset("00.jpg", document, "second")
	r.wantAsset("01.jpg", document, "second")
	r.wantAsset("02.jpg", video, "first")
	for i := 3; i < n; i++ {
		r.wantAsset(fmt.Sprintf("%02d.jpg", i), creative, "second")
	}
	if e := r.entry("02.jpg"); e.Status != journal.Filed || e.Reason.Hint == "" {
		t.Errorf("02.jpg is %s: %+v", e.Status, e.Reason)
	}
	counts := r.sandbox.State().Counts.Requests
	if counts["EditAssets"] != 3 || counts["UpdateAsset"] != 3 { // two are the librarian's
		t.Errorf("%d bulk edits and %d of one asset, want one for the twelve, and one for each of the others", counts["EditAssets"]-2, counts["UpdateAsset"])
	}
}

// meddled is Tenovos, where somebody acts right after the first bulk edit was asked
// for.
type meddled struct {
	ingest.API
	once   *sync.Once
	meddle func()
}

func (m meddled) BulkEdit(ctx context.Context, e tenovos.BulkEdit) (tenovos.Job, error) {
	job, err := m.API.BulkEdit(ctx, e)
	m.once.Do(m.meddle)
	return job, err
}

// TestTemplateChangedUnderABulkEdit has somebody change a template after the assets
// were looked at, and before the bulk edit is carried out: in the end it has the
// template that it was given.
func TestTemplateChangedUnderABulkEdit(t *testing.T) {
	t.Parallel()
	r := newTemplatesRig(t, 12)
	creative, document := r.account.Templates[0].ID, r.account.Templates[2].ID
	changed := r.entry("05.jpg").ObjectID
	lag := func(d time.Duration) {
		if err := r.sandbox.Configure(func(o *sandbox.Options) { o.BulkLag = d }); err != nil {
			t.Error(err)
		}
	}
	lag(1500 * time.Millisecond) // a first look, after a second, comes in between
	r.api = func(api ingest.API) ingest.API {
		return meddled{api, new(sync.Once), func() {
			lag(time.Millisecond)
			r.librarian(document, changed)
		}}
	}
	for _, o := range r.ask(desk.RequestUpdate, desk.Selection{}) {
		if o.Result != "updated" {
			t.Errorf("%+v", o)
		}
	}
	for begun := time.Now(); r.asset(changed).TemplateID != document && time.Since(begun) < 10*time.Second; {
		time.Sleep(time.Millisecond)
	}
	r.wantAsset("05.jpg", document, "second")
	r.wantAsset("04.jpg", creative, "second")
	if n := strings.Count(r.log.String(), "is set again\""); n != 1 {
		t.Errorf("told %d times\n%s", n, r.log)
	}
}
