package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// moments is how often status, metrics and page are compared.
const moments = 50

// stateNames are the words of `status --json` that seen is the sum of.
var stateNames = []string{"settling", "queued", "uploading", "filed", "duplicate", "held", "failed", "cancelled", "superseded", "withdrawn", "ignored"}

// namesOnPage are the words of the status page for these.
var namesOnPage = map[string]string{
	"settling": "Settling", "queued": "Queued", "uploading": "On their way", "filed": "Ingested", "duplicate": "Duplicates", "held": "Held",
	"failed": "Failed", "cancelled": "Cancelled", "superseded": "Superseded", "withdrawn": "Withdrawn", "ignored": "Ignored",
}

// TestStatusMetricsAndPageAgree compares what `status --json`, /metrics, the status page and
// /status.json say, at random moments while files come and go, requests fail, and a folder is away for a
// time. As these are read one after another, a moment counts where the first says at the
// end what it said at the beginning, of the folders and of since when each file is as it is:
// then all of them have to say the same.
func TestStatusMetricsAndPageAgree(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := newStand(t, "1.5", func(o *sandbox.Options) { o.APIDelay, o.StoreDelay = 150*time.Millisecond, 100*time.Millisecond })
	spoil(t, s, seed)
	r := newRoom(t, s)
	addr := freeAddress(t)
	r.config = r.busyConfig(addr)
	daemon := r.start("run")
	eventually(t, "the folders are watched", func() bool {
		return answering("http://"+addr+"/metrics") == nil && scrape(t, "http://"+addr+"/metrics")[`ingestd_folder_up{folder="drop"}`] == 1
	})

	over := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() { r.keepBusy(rand.New(rand.NewPCG(seed, 1)), over) })
	defer busy.Wait()
	defer close(over)

	random := rand.New(rand.NewPCG(seed, 2))
	compared, tried := 0, 0
	seen := map[string]bool{}
	for deadline := time.Now().Add(patience); compared < moments && time.Now().Before(deadline); tried++ {
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
		before, files := r.foldersNow()
		samples := scrape(t, "http://"+addr+"/metrics")
		page := pageFolders(t, "http://"+addr+"/status.json")
		html := numbersOnPage(t, "http://"+addr+"/")
		if after, then := r.foldersNow(); !reflect.DeepEqual(before, after) || !reflect.DeepEqual(files, then) {
			continue
		}
		compared++
		if !reflect.DeepEqual(before, page) {
			t.Errorf("status says %v\n/status.json %v", before, page)
		}
		if want := booksOf(before); !maps.Equal(want, html) {
			t.Errorf("status says %v\nthe page %v", want, html)
		}
		want := metricsOf(before)
		for name, value := range want {
			if got, ok := samples[name]; !ok || got != value {
				t.Errorf("status says %s is %v, the metrics %v", name, value, got)
			}
		}
		for name := range samples {
			if _, known := want[name]; !known && strings.HasPrefix(name, "ingestd_files") {
				t.Errorf("status knows nothing of %s", name)
			}
		}
		for _, f := range before {
			sum := 0.0
			for _, state := range stateNames {
				if n := f[state].(float64); n > 0 {
					seen[state] = true
					sum += n
				}
			}
			if f["seen"] != sum {
				t.Errorf("seen is %v and the rest %v: %v", f["seen"], sum, f)
			}
			for _, by := range f["paused_by"].([]any) {
				seen["paused by "+by.(string)] = true
			}
		}
	}
	t.Logf("%d moments of %d tries compared; there were %v", compared, tried, slices.Sorted(maps.Keys(seen)))
	for _, state := range []string{"queued", "uploading", "filed", "held", "failed"} {
		if !seen[state] {
			t.Errorf("no file was ever %s", state)
		}
	}
	if compared < moments {
		t.Errorf("only %d moments could be compared", compared)
	}
	daemon.terminate()
}

// freeAddress is an address on loopback that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// metricsOf is what the metrics have to say of folders.
func metricsOf(folders []map[string]any) map[string]float64 {
	want := map[string]float64{}
	waits := map[any]bool{}
	for _, f := range folders {
		name := fmt.Sprintf("{folder=%q}", f["name"])
		for _, state := range stateNames {
			want[fmt.Sprintf("ingestd_files{folder=%q,state=%q}", f["name"], state)] = f[state].(float64)
		}
		want["ingestd_files_seen"+name] = f["seen"].(float64)
		want["ingestd_watch_polled_directories"+name] = f["polled"].(float64)
		by := f["paused_by"].([]any)
		for _, reason := range by {
			waits[reason] = true
		}
		want["ingestd_folder_open"+name] = 1
		if f["hours"] != "" {
			want["ingestd_folder_open"+name] = 0
		}
		want["ingestd_folder_up"+name] = 1
		if slices.Contains(by, any("folder")) {
			want["ingestd_folder_up"+name] = 0
		}
	}
	for _, reason := range []string{"folder", "tenovos", "credentials", "throttled", "store", "circuit"} {
		value := 0.0
		if waits[reason] {
			value = 1
		}
		want[fmt.Sprintf("ingestd_paused{reason=%q}", reason)] = value
	}
	return want
}

// fileNow is a file that is not in, and since when it is as it is.
type fileNow struct {
	ID     int64
	Status string
	Since  time.Time
}

// foldersNow are the folders of `status --json`, and its files.
func (r *room) foldersNow() ([]map[string]any, []fileNow) {
	r.t.Helper()
	code, stdout, stderr := r.run("status", "--json")
	if code != 0 {
		r.t.Fatal(stderr)
	}
	return foldersIn(r.t, strings.NewReader(stdout))
}

func foldersIn(t *testing.T, from io.Reader) ([]map[string]any, []fileNow) {
	t.Helper()
	var doc struct {
		Folders []map[string]any `json:"folders"`
		Entries []fileNow        `json:"entries"`
	}
	if err := json.NewDecoder(from).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc.Folders, doc.Entries
}

func pageFolders(t *testing.T, url string) []map[string]any {
	t.Helper()
	folders, _ := foldersIn(t, strings.NewReader(fetched(t, url)))
	return folders
}

// booksOf are the numbers of folders, as numbersOnPage returns those of the page.
func booksOf(folders []map[string]any) map[string]string {
	out := map[string]string{}
	for _, f := range folders {
		out[fmt.Sprint(f["name"], ": Seen")] = fmt.Sprint(f["seen"])
		for _, state := range stateNames {
			out[fmt.Sprint(f["name"], ": ", namesOnPage[state])] = fmt.Sprint(f[state])
		}
	}
	return out
}

var (
	folderOnPage = regexp.MustCompile(`(?s)<section id="[^"]*" class="part folder".*?</section>`)
	nameOnPage   = regexp.MustCompile(`<h2[^>]*>([^<]*)</h2>`)
	seenOnPage   = regexp.MustCompile(`>The books balance: ([\d,]+) seen\.<`)
	listOnPage   = regexp.MustCompile(`(?s)<dl class="books">.*?</dl>`)
	numberOnPage = regexp.MustCompile(`<dt>([^<]*)</dt><dd>([\d,]+)</dd>`)
)

// numbersOnPage returns those of the status page, by folder and name.
func numbersOnPage(t *testing.T, url string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, folder := range folderOnPage.FindAllString(fetched(t, url), -1) {
		name := nameOnPage.FindStringSubmatch(folder)
		seen := seenOnPage.FindStringSubmatch(folder)
		if name == nil || seen == nil {
			t.Fatalf("a folder has no name, or its books do not balance: %s", folder)
		}
		out[name[1]+": Seen"] = seen[1]
		for _, n := range numberOnPage.FindAllStringSubmatch(listOnPage.FindString(folder), -1) {
			out[name[1]+": "+n[1]] = n[2]
		}
	}
	return out
}

// fetched returns a page, which has to answer.
func fetched(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", url, resp.Status, err, body)
	}
	return string(body)
}

// answering is nil where a page answers.
func answering(url string) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

var sampleLine = regexp.MustCompile(`(?m)^([a-z_]+(?:\{.*\})?) (\S+)$`)

// scrape returns the samples of /metrics by name and labels, as they are written.
func scrape(t *testing.T, url string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, m := range sampleLine.FindAllStringSubmatch(fetched(t, url), -1) {
		value, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		out[m[1]] = value
	}
	return out
}

// spoil makes one request of eight to a stand fail, in a way that can pass.
func spoil(t *testing.T, s *stand, seed uint64) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	kinds := []sandbox.Fault{
		{Kind: sandbox.FaultStatus, Status: 500}, {Kind: sandbox.FaultStatus, Status: 503}, {Kind: sandbox.FaultStatus, Status: 502, Worked: true},
		{Kind: sandbox.FaultResetBefore}, {Kind: sandbox.FaultResetAfter}, {Kind: sandbox.FaultStall, Delay: time.Second},
		{Kind: sandbox.FaultStatus, Status: 429, RetryAfter: "1"},
	}
	inner := s.http.Config.Handler
	s.http.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		fault := kinds[random.IntN(len(kinds))]
		fault.Operation = sandbox.Operation(req)
		spoiled := random.IntN(8) == 0 && fault.Operation != "Unknown"
		mu.Unlock()
		if spoiled {
			if err := s.Queue(fault); err != nil {
				t.Error(err)
			}
		}
		inner.ServeHTTP(w, req)
	})
}

// busyConfig writes a configuration of two folders, whose files end in every manner.
func (r *room) busyConfig(listen string) string {
	r.t.Helper()
	a := r.stand.Account()
	text := fmt.Sprintf("tenovos: {url: %q, version: \"1.5\", api_key: %q, username: %q, password: %q}\njournal: %s\nlisten: %q\nworkers: 3\n"+
		"retry: {max_attempts: 4, initial: 100ms, max: 1s}\nupload: {max_file_size: 1KiB}\nlog: {level: info, format: json}\nfolders:\n",
		r.stand.url, a.APIKey, a.Users[0].Username, a.Users[0].Password, r.journal, listen)
	for _, name := range []string{"drop", "second"} {
		dir := filepath.Join(r.dir, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			r.t.Fatal(err)
		}
		text += fmt.Sprintf("  - name: %s\n    path: %s\n    settle: 200ms\n    levels: \"{brand}/**\"\n    rules:\n"+
			"      - match: \"**/*.jpg\"\n        template: Creative Asset\n        security: [Creative Internal]\n        metadata:\n"+
			"          Title: {from: file.stem}\n          Brand: {from: path.brand, map: {mueller: Müller & Söhne}, required: true}\n", name, dir)
	}
	path := filepath.Join(r.dir, "busy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// keepBusy lets files come, change and go, and a folder be away at times, until over closes.
func (r *room) keepBusy(random *rand.Rand, over <-chan struct{}) {
	second, away := filepath.Join(r.dir, "second"), filepath.Join(r.dir, "elsewhere")
	put := func(rel, content string) {
		path := filepath.Join(r.dir, rel)
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			r.t.Error(err)
		}
	}
	for n := 0; ; n++ {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(random.IntN(400)) * time.Millisecond):
		}
		switch folder := []string{"drop", "second"}[random.IntN(2)]; random.IntN(10) {
		case 0:
			put(folder+fmt.Sprintf("/acme/copy-%d.jpg", n), "the same content")
		case 1:
			put(folder+fmt.Sprintf("/nobody-knows/%d.jpg", n), fmt.Sprint("held ", n))
		case 2:
			put(folder+fmt.Sprintf("/acme/%d.txt", n), fmt.Sprint("ignored ", n))
		case 3:
			put(folder+fmt.Sprintf("/acme/%d.jpg", n), strings.Repeat("too large ", 200))
		case 4: // another content of the same path
			put(folder+"/acme/again.jpg", fmt.Sprint("again ", n))
		case 5: // a folder that is away for a moment
			if folder == "second" && os.Rename(second, away) == nil {
				time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
				if err := os.Rename(away, second); err != nil {
					r.t.Error(err)
				}
			}
		default:
			put(folder+fmt.Sprintf("/acme/%d.jpg", n), fmt.Sprint("content ", n))
		}
	}
}
