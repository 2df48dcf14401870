package rules

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// namesRig keeps names of an account that exists in the test alone. It belongs to
// one synctest bubble.
type namesRig struct {
	*Names
	t *testing.T

	mu      sync.Mutex // of what the account has
	brands  []string
	broken  error // of the next readings
	missing bool  // the template of folder b has vanished

	reads   atomic.Int32
	renewed atomic.Int32
	log     buffer
	stop    func()
}

func newNamesRig(t *testing.T) *namesRig {
	t.Helper()
	const text = `tenovos: {url: https://x/v1, api_key: k, username: u, password: p}
journal: /x/j.db
folders:
  - name: a
    path: /x/a
    levels: "{brand}/**"
    rules: [{match: "**", template: Image, security: [Internal], metadata: {Brand: {from: path.brand}}}]
  - name: b
    path: /x/b
    rules: [{match: "**", template: Other, security: [Internal], metadata: {}}]
`
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	r := &namesRig{t: t, brands: []string{"Acme"}}
	r.Names = newNames(cfg, r.account)
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		err := r.Keep(ctx, zerolog.New(&r.log), func(context.Context) error { r.renewed.Add(1); return nil })
		if err != nil {
			t.Error(err)
		}
	}()
	r.stop = func() { cancel(); <-r.over }
	synctest.Wait()
	return r
}

// set changes the account.
func (r *namesRig) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *namesRig) account(ctx context.Context) (mapping.Account, error) {
	r.reads.Add(1)
	select {
	case <-time.After(time.Second): // Tenovos takes its time
	case <-ctx.Done():
		return mapping.Account{}, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := mapping.Account{
		Templates: []tenovos.Template{{ID: "t1", Name: "Image", Attributes: []tenovos.Attribute{
			{ID: "b", Name: "Brand", Type: "controlledVocabulary", VocabularyID: "v"}}}},
		Vocabularies: map[string]tenovos.Vocabulary{"v": {ID: "v", Name: "Brands"}},
		Security:     []tenovos.SecurityTemplate{{ID: "s", Name: "Internal"}},
	}
	if !r.missing {
		a.Templates = append(a.Templates, tenovos.Template{ID: "t2", Name: "Other"})
	}
	v := a.Vocabularies["v"]
	for _, brand := range r.brands {
		v.Values = append(v.Values, tenovos.VocabularyValue{ID: "id " + brand, Name: brand})
	}
	a.Vocabularies["v"] = v
	return a, r.broken
}

// maps says what becomes of a file of the brand: "", or what is wrong with it.
func (r *namesRig) maps(brand string) string {
	known := facts.Gather(file.File{Folder: "a", Path: brand + "/x.jpg"}, time.Time{}, r.cfg.Folders[0].Rules.Levels)
	got, err := r.apply("a", known, brand+"/x.jpg")
	if err != nil {
		return err.Error()
	}
	if len(got.Problems) > 0 {
		return got.Problems[0].Message
	}
	return ""
}

func (r *namesRig) count(reads int32) {
	r.t.Helper()
	synctest.Wait()
	if got := r.reads.Load() - 1; got != reads {
		r.t.Fatalf("the names were read again %d times, want %d", got, reads)
	}
}

// TestNamesEveryHour reads them again without any file.
func TestNamesEveryHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newNamesRig(t)
		defer r.stop()
		before := r.Sum("a")
		time.Sleep(59 * time.Minute)
		r.count(0)
		r.set(func() { r.brands = []string{"Hooli", "Acme"} })
		time.Sleep(2 * time.Minute)
		r.count(1)
		if why := r.maps("Hooli"); why != "" || r.Sum("a") == before || r.renewed.Load() != 1 {
			t.Errorf("after an hour: %q", why)
		}
		// The same names in another order are the same.
		before = r.Sum("a")
		r.set(func() { r.brands = []string{"Acme", "Hooli"} })
		time.Sleep(time.Hour)
		r.count(2)
		if r.Sum("a") != before {
			t.Error("another order counts as other names")
		}
	})
}

// TestNamesUnknown has files of a name that nobody knows, and then of one that the
// account got.
func TestNamesUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newNamesRig(t)
		defer r.stop()
		if why := r.maps("Acme"); why != "" {
			t.Fatal(why)
		}
		r.count(0)
		r.set(func() { r.brands = append(r.brands, "Hooli") })
		var files sync.WaitGroup
		for range 20 { // at once: one reading is enough for all
			files.Go(func() {
				if why := r.maps("Hooli"); why != "" {
					t.Error(why)
				}
			})
		}
		files.Wait()
		r.count(1)

		// Too soon: the file does not wait, but the names are read as soon as they may.
		r.set(func() { r.brands = append(r.brands, "Aviato") })
		begun := time.Now()
		for range 20 {
			if why := r.maps("Aviato"); why != `vocabulary "Brands" has no value "Aviato"` {
				t.Errorf("got %q", why)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("it waited for %v", took)
		}
		r.count(1)
		time.Sleep(namesAtMost + 2*time.Second)
		r.count(2)
		if why := r.maps("Aviato"); why != "" || r.renewed.Load() != 2 {
			t.Errorf("got %q", why)
		}
		time.Sleep(10 * time.Minute)
		r.count(2)
	})
}

// TestNamesVanish takes a template away, and then Tenovos.
func TestNamesVanish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newNamesRig(t)
		defer r.stop()
		old := r.Mapper("b")
		r.set(func() { r.missing, r.brands = true, []string{"Hooli"} })
		time.Sleep(3*time.Hour + time.Minute)
		r.count(3)
		if r.Mapper("b") != old || r.maps("Hooli") != "" {
			t.Error("the folder whose rules fit no more, or the one whose rules do, has the wrong names")
		}
		log := func() int { return strings.Count(r.log.String(), `no metadata template \"Other\"`) }
		if log() != 1 || !strings.Contains(r.log.String(), r.cfg.File+":") {
			t.Errorf("the log says it %d times:\n%s", log(), r.log.String())
		}
		r.set(func() { r.missing = false })
		time.Sleep(time.Hour)
		r.set(func() { r.missing = true })
		time.Sleep(time.Hour)
		synctest.Wait()
		if log() != 2 {
			t.Errorf("it came back, and the log says it %d times", log())
		}

		time.Sleep(namesAtMost)
		r.set(func() { r.broken = errors.New("no network") })
		quiet := strings.Count(r.log.String(), `"warn"`) + strings.Count(r.log.String(), `"error"`)
		if why := r.maps("Acme"); why != `vocabulary "Brands" has no value "Acme"` {
			t.Errorf("while Tenovos is down: %q", why)
		}
		if now := strings.Count(r.log.String(), `"warn"`) + strings.Count(r.log.String(), `"error"`); now != quiet || !strings.Contains(r.log.String(), "no network") {
			t.Errorf("the log says:\n%s", r.log.String())
		}
	})
}

// TestNamesEnd ends the process while a file waits for the names.
func TestNamesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newNamesRig(t)
		var why string
		var waiting sync.WaitGroup
		waiting.Go(func() { why = r.maps("Hooli") })
		synctest.Wait()
		r.stop()
		waiting.Wait()
		if why != context.Canceled.Error() || r.maps("Hooli") != why || r.maps("Acme") != "" {
			t.Errorf("the file that waited: %q", why)
		}
		r.count(1)
	})
}

// buffer is a log that several goroutines write, and the test reads meanwhile.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
