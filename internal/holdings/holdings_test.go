package holdings

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// account is an account that shows the same to every search.
type account struct {
	shown  []tenovos.Asset
	counts int // results that a search says there are; 0: as many as are shown
}

func (a account) CurrentUser(context.Context) (tenovos.User, error) {
	return tenovos.User{ID: "us"}, nil
}

func (a account) Asset(_ context.Context, id string) (tenovos.Asset, error) {
	for _, v := range a.shown {
		if v.FileID == id {
			return v, nil
		}
	}
	return tenovos.Asset{}, tenovos.ErrNotFound
}

func (a account) Versions(_ context.Context, id string) ([]tenovos.Asset, error) {
	var chain []tenovos.Asset
	for _, v := range a.shown {
		if v.OriginalFileID == id {
			chain = append(chain, v)
		}
	}
	if chain == nil {
		return nil, tenovos.ErrNotFound
	}
	return chain, nil
}

func (a account) Search(_ context.Context, q tenovos.Query) (tenovos.Page, error) {
	page := tenovos.Page{Hits: max(a.counts, len(a.shown))}
	if q.From == 0 {
		page.Assets = a.shown
	}
	return page, nil
}

// ours says which objects are other entries'.
type ours map[string]bool

func (o ours) KnownIDs(context.Context, []string) (map[string]bool, error) { return o, nil }
func (o ours) Adoptable(_ context.Context, _ int64, objectID string) (bool, error) {
	return !o[objectID], nil
}

func asset(id string, change func(*tenovos.Asset)) tenovos.Asset {
	a := tenovos.Asset{
		ObjectID: id, FileID: "f" + id, OriginalFileID: "f" + id, Filename: "a.jpg", TemplateID: "t", Current: true,
		CreatedBy: "us", Created: time.Unix(1000, 0), FileSize: -1,
	}
	change(&a)
	return a
}

func holds(md5 string) func(*tenovos.Asset) {
	return func(a *tenovos.Asset) { a.HasContent, a.MD5 = true, md5 }
}

// What may hold a file's content is told apart from what holds it, and from what does not.
func TestHolder(t *testing.T) {
	for name, c := range map[string]struct {
		account account
		ours    ours
		want    string // "" for nothing
	}{
		"nothing":                  {account{}, nil, ""},
		"another content":          {account{shown: []tenovos.Asset{asset("1", holds("bb"))}}, nil, ""},
		"the content":              {account{shown: []tenovos.Asset{asset("1", holds("bb")), asset("2", holds("AA"))}}, nil, "holds 2"},
		"the content of an entry":  {account{shown: []tenovos.Asset{asset("1", holds("aa"))}}, ours{"1": true}, ""},
		"more than is shown":       {account{shown: []tenovos.Asset{asset("1", holds("bb"))}, counts: 9}, nil, "inconclusive"},
		"no checksum":              {account{shown: []tenovos.Asset{asset("1", holds(""))}}, nil, "unseen 1"},
		"no checksum, other size":  {account{shown: []tenovos.Asset{asset("1", func(a *tenovos.Asset) { a.HasContent, a.FileSize = true, 5 })}}, nil, ""},
		"no checksum yet":          {account{shown: []tenovos.Asset{asset("1", func(a *tenovos.Asset) { a.Created = time.Unix(3000, 0) })}}, nil, "computing 1"},
		"another's without either": {account{shown: []tenovos.Asset{asset("1", func(a *tenovos.Asset) { a.Created, a.CreatedBy = time.Unix(3000, 0), "them" })}}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := New(c.account, c.ours).Holder(t.Context(), Content{
				Entry: 1, Filename: "a.jpg", Size: 10, YoungSince: time.Unix(2000, 0), MD5: func() (string, error) { return "aa", nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if f.Asset != nil {
				got = append(got, "holds "+f.Asset.ObjectID)
			}
			if errors.Is(f.Inconclusive, ErrInconclusive) {
				got = append(got, "inconclusive")
			}
			if f.Computing != nil {
				got = append(got, "computing "+f.Computing.ObjectID)
			}
			for _, a := range f.Unseen {
				got = append(got, "unseen "+a.ObjectID)
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}

// The asset of a lost create is empty, of this account's user, of the create's span of time,
// and no entry's.
func TestOfLostCreate(t *testing.T) {
	shown := []tenovos.Asset{
		asset("it", func(*tenovos.Asset) {}),
		asset("full", holds("aa")),
		asset("theirs", func(a *tenovos.Asset) { a.CreatedBy = "them" }),
		asset("late", func(a *tenovos.Asset) { a.Created = time.Unix(9000, 0) }),
		asset("known", func(*tenovos.Asset) {}),
		asset("other template", func(a *tenovos.Asset) { a.TemplateID = "u" }),
	}
	found, err := New(account{shown: shown}, ours{"known": true}).OfLostCreate(t.Context(), LostCreate{
		Filename: "a.jpg", TemplateID: "t", From: time.Unix(900, 0), To: time.Unix(1100, 0),
	})
	if err != nil || len(found) != 1 || found[0].ObjectID != "it" {
		t.Errorf("found %+v, %v", found, err)
	}
}

// Of assets that may all be what a row became none is taken.
func TestOfRow(t *testing.T) {
	row := tenovos.NewAsset{Filename: "a.jpg", TemplateID: "t", NoContent: true, SecurityIDs: []string{"s"}}
	one, two := asset("1", func(*tenovos.Asset) {}), asset("2", func(*tenovos.Asset) {})
	secured := asset("3", func(a *tenovos.Asset) { a.SecurityIDs = []string{"s"} })
	of := func(shown ...tenovos.Asset) (*tenovos.Asset, error) {
		return New(account{shown: shown}, ours{}).OfRow(t.Context(), row)
	}
	if a, err := of(one); err != nil || a == nil || a.ObjectID != "1" {
		t.Errorf("the only one: %+v, %v", a, err)
	}
	if a, err := of(one, two, secured); err != nil || a == nil || a.ObjectID != "3" {
		t.Errorf("the one that shows what the rules give: %+v, %v", a, err)
	}
	a, err := of(one, two)
	if alike, is := errors.AsType[*AlikeError](err); !is || len(alike.Assets) != 2 || a != nil {
		t.Errorf("two alike: %+v, %v", a, err)
	}
}
