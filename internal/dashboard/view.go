package dashboard

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/fnv"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// part is a piece of the page that is sent anew when something in it changes.
type part struct {
	Key  string // its id in the page
	HTML template.HTML
}

func samePart(a, b []part) bool { return a != nil && slices.Equal(a, b) }

// parts are the pieces of the page. The token goes into its forms; who sends it otherwise
// needs none there.
func (p *Page) parts(s *state, token string) ([]part, error) {
	v := view{page: p, state: s, token: token}
	all := []struct {
		key, name string
		data      any
	}{{"overall", "overall", v.overall()}}
	for _, f := range s.folders {
		all = append(all, struct {
			key, name string
			data      any
		}{keyOf("folder", f.Name), "folder", v.folder(f)})
	}
	all = append(all, struct {
		key, name string
		data      any
	}{"day", "day", s.day.view()})
	out := make([]part, len(all))
	var b bytes.Buffer
	for i, one := range all {
		b.Reset()
		if err := p.templates.ExecuteTemplate(&b, one.name, one.data); err != nil {
			return nil, err
		}
		out[i] = part{one.key, template.HTML(b.String())} //nolint:gosec // the template escaped it
	}
	return out, nil
}

// keyOf is an id in the page for names that may hold any bytes.
func keyOf(kind string, names ...string) string {
	return kind + "-" + fmt.Sprintf("%x", sumOf(names))
}

// view turns a state into what templates show: texts that are safe to be read.
type view struct {
	page  *Page
	state *state
	token string
}

// number is a number with its name.
type number struct{ Name, Value, Class string }

func count(n int) string { return humanize.Comma(int64(n)) }

func bytesText(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

func speedText(perSecond float64) string {
	if perSecond < 1 {
		return ""
	}
	return bytesText(int64(perSecond)) + "/s"
}

// trouble is what is held or failed, in words; "" where nothing is.
func (s *state) trouble() string {
	sum := report.Sum(s.folders)
	var words []string
	if sum.Failed > 0 {
		words = append(words, count(sum.Failed)+" failed")
	}
	if sum.Held > 0 {
		words = append(words, count(sum.Held)+" held")
	}
	return strings.Join(words, ", ")
}

func (s *state) title() string {
	if t := s.trouble(); t != "" {
		return "ingestd: " + t
	}
	return "ingestd"
}

func (v view) overall() any {
	s := v.state
	sum := report.Sum(s.folders)
	verdict := "Nothing was seen yet"
	switch {
	case s.trouble() != "":
		verdict = "Some files need a look: " + s.trouble()
	case sum.Uploading+sum.Queued+sum.Settling > 0:
		verdict = "Files are on their way"
	case sum.Seen > 0:
		verdict = "Everything is in"
	}
	var off, everyone []string
	for _, f := range s.folders {
		if f.Unbalanced() != 0 {
			off = append(off, display.Name(f.Name))
		}
	}
	for _, line := range report.Remarks(s.folders) {
		if strings.HasPrefix(line, report.EveryoneWaits) {
			everyone = append(everyone, capital(line))
		}
	}
	speed := 0.0
	for _, one := range s.speeds {
		speed += one
	}
	return struct {
		Title, Say, Verdict, Off, Speed string
		Everyone                        []string
		Sums                            []number
	}{
		s.title(), cmp.Or(s.trouble(), "Nothing is held or failed"), verdict, strings.Join(off, ", "), speedText(speed), everyone,
		[]number{
			{"Seen", count(sum.Seen), ""}, {"Ingested", count(sum.Filed), ""},
			{"On their way", count(sum.Uploading), ""}, {"Waiting", count(sum.Queued + sum.Settling), ""},
			{"Held", count(sum.Held), marked("held", sum.Held)}, {"Failed", count(sum.Failed), marked("failed", sum.Failed)},
		},
	}
}

func marked(class string, n int) string {
	if n == 0 {
		return "none"
	}
	return class
}

func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// act are the buttons for a file or for a trouble.
type act struct {
	Token         string
	Fields        []number
	Retry, Cancel string
	About         string // for who does not see beside what the buttons are
}

// fileView is a file as a list shows it.
type fileView struct {
	ID                         int64
	Name, Status, Doing, Asset string
	Reason, Hint               string
	Act                        *act
	Sent, Max                  int64
	Percent, Amount, Speed     string
}

// doings are the statuses in words for people.
var doings = map[string]string{
	string(journal.Settled): "waits for its turn", string(journal.Mapped): "waits for its turn",
	string(journal.Creating): "is being created", string(journal.Uploading): "is being sent",
	string(journal.Completing): "is being completed", string(journal.Verifying): "is being verified",
	string(journal.Verified): "is being filed away", string(journal.Cancelling): "is being cancelled",
	string(journal.Filed): "ingested",
}

func doing(status string) string { return cmp.Or(doings[status], status) }

// file is an entry with its buttons. Its reason is left out where it stands above.
func (v view) file(e report.Entry, above string) fileView {
	f := fileView{ID: e.ID, Name: display.Name(e.Path), Status: e.Status, Doing: doing(e.Status), Asset: v.page.assetURL(e)}
	if e.Reason != above || above == "" {
		f.Reason, f.Hint = display.Text(e.Reason), display.Text(e.Hint)
	}
	retry := slices.Contains([]string{string(journal.Held), string(journal.Failed), string(journal.Cancelled)}, e.Status)
	status := journal.Status(e.Status)
	cancel := status.Runnable() && status != journal.Verified && status != journal.Cancelling || status == journal.Held || status == journal.Failed
	if retry || cancel {
		f.Act = &act{Token: v.token, Fields: []number{{Name: "id", Value: strconv.FormatInt(e.ID, 10)}}, About: f.Name}
		if retry {
			f.Act.Retry = "Retry"
		}
		if cancel {
			f.Act.Cancel = "Cancel"
		}
	}
	return f
}

// way is a file that is on its way.
func (v view) way(e report.Entry) fileView {
	f := v.file(e, "")
	sent := v.state.sent(e)
	if journal.Status(e.Status) != journal.Uploading && journal.Status(e.Status).Active() && e.Status != string(journal.Creating) && e.Status != string(journal.Cancelling) {
		sent = e.Size // all of it was handed over
	}
	if e.Size > 0 {
		f.Sent, f.Max, f.Percent = sent, e.Size, fmt.Sprintf("%d%%", 100*sent/e.Size)
		f.Amount = fmt.Sprintf("%s of %s (%s)", bytesText(sent), bytesText(e.Size), f.Percent)
	}
	if e.Status == string(journal.Uploading) {
		f.Speed = speedText(v.state.speeds[e.ID])
	}
	return f
}

// troubleView is a trouble, or what several files wait for.
type troubleView struct {
	Key, Title, Hint string
	Files            []fileView
	All, AllText     string
	Act              *act
}

func (v view) trouble(t report.Trouble) troubleView {
	out := troubleView{Key: keyOf("t", t.Folder, t.Status, t.Class, t.Form)}
	why, hint, alike := "", "", true
	if len(t.First) > 0 {
		why, hint = t.First[0].Reason, t.First[0].Hint
		for _, e := range t.First {
			alike = alike && e.Reason == why
		}
	}
	out.Title = capital(display.Text(why))
	if t.Count > 1 {
		out.Title = fmt.Sprintf("%s files: %s", count(t.Count), display.Text(why))
		if !alike {
			out.Title += " (and alike)"
		}
	}
	out.Hint = display.Text(hint)
	for _, e := range t.First {
		f := v.file(e, why)
		if f.Hint == out.Hint {
			f.Hint = ""
		}
		f.Doing = ""
		out.Files = append(out.Files, f)
	}
	if t.Count > len(t.First) {
		query := url.Values{"folder": {t.Folder}, "status": {t.Status}, "class": {t.Class}, "form": {t.Form}}
		out.All, out.AllText = "files?"+query.Encode(), fmt.Sprintf("Show all %s files", count(t.Count))
	}
	if t.Count > 1 && t.Class != "" {
		all := fmt.Sprintf("all %s", count(t.Count))
		out.Act = &act{
			Token: v.token, Retry: "Retry " + all, Cancel: "Cancel " + all, About: "files: " + display.Text(why),
			Fields: []number{{Name: "folder", Value: t.Folder}, {Name: "status", Value: t.Status}, {Name: "class", Value: t.Class}, {Name: "form", Value: t.Form}},
		}
	}
	return out
}

// dropView is a drop that waits.
type dropView struct{ Key, Name, Reason, Hint string }

// folderView is a folder as its part of the page shows it.
type folderView struct {
	Key, Name, Path, Watch, Seen, Off string
	Books                             []number
	Remarks                           []string
	Way                               []fileView
	MoreWay                           string
	Drops                             []dropView
	Waits, Failed, Held               []troubleView
	MoreWaits, MoreTroubles           string
}

// stateNames are the names of states that are not their own.
var stateNames = map[string]string{"filed": "Ingested", "uploading": "On their way", "duplicate": "Duplicates"}

func (v view) folder(f report.Folder) folderView {
	out := folderView{Key: keyOf("folder", f.Name), Name: display.Name(f.Name), Path: display.Name(f.Path), Seen: count(f.Seen)}
	out.Watch = map[string]string{"notify": "watched", "poll": "polled"}[f.Watch]
	switch n := f.Unbalanced(); {
	case n > 0:
		out.Off = count(n) + " of them in no other number"
	case n < 0:
		out.Off = count(-n) + " counted twice"
	}
	for _, b := range f.States() {
		class := ""
		if b.Name == string(journal.Held) || b.Name == string(journal.Failed) {
			class = b.Name
		}
		out.Books = append(out.Books, number{cmp.Or(stateNames[b.Name], capital(b.Name)), count(b.Files), marked(class, b.Files)})
	}
	for _, line := range report.Remarks([]report.Folder{f}) {
		if !strings.HasPrefix(line, report.EveryoneWaits) {
			out.Remarks = append(out.Remarks, capital(line))
		}
	}
	for _, e := range v.state.begun {
		if e.Folder == f.Name {
			out.Way = append(out.Way, v.way(e))
		}
	}
	if more := f.Uploading - len(out.Way); more > 0 && len(v.state.begun) == maxBegun {
		out.MoreWay = count(more)
	}
	v.waits(&out, f)
	v.troubles(&out, f)
	return out
}

// waits adds what waits for its turn again, by reason, and the drops that wait.
func (v view) waits(out *folderView, f report.Folder) {
	for _, d := range v.state.drops[f.Name] {
		name := "Drop " + display.Name(d.Dir)
		if d.Dir == "" {
			name = "The files of the folder itself"
		}
		out.Drops = append(out.Drops, dropView{
			Key: keyOf("d", f.Name, d.Dir), Name: fmt.Sprintf("%s: %s %s", name, count(d.Files), plural(d.Files, "file waits", "files wait")),
			Reason: capital(cmp.Or(display.Text(d.Reason.Message), "it is still being looked at")), Hint: display.Text(d.Reason.Hint),
		})
	}
	kinds := map[string]*report.Trouble{}
	var order []string
	for _, e := range v.state.deferred {
		if e.Folder != f.Name || e.Reason == "" || len(out.Drops) > 0 && forItsDrop(e) {
			continue
		}
		form := reasons.Form(e.Reason, e.Path)
		t := kinds[form]
		if t == nil {
			t = &report.Trouble{Folder: f.Name, Status: "waiting", Form: form}
			kinds[form] = t
			order = append(order, form)
		}
		if t.Count++; len(t.First) < 3 {
			t.First = append(t.First, e)
		}
	}
	for _, form := range order {
		w := v.trouble(*kinds[form])
		w.All = ""
		out.Waits = append(out.Waits, w)
	}
	if len(v.state.deferred) == maxDeferred && len(out.Waits) > 0 {
		out.MoreWaits = fmt.Sprintf("These are among the first %d files that wait.", maxDeferred)
	}
}

// forItsDrop reports that a file waits for its drop, and nothing else.
func forItsDrop(e report.Entry) bool {
	return e.Status == string(journal.Mapped) && (e.Class == journal.ClassBatch || e.Class == reasons.ClassWaiting)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (v view) troubles(out *folderView, f report.Folder) {
	t := v.state.troubles[f.Name]
	if t == nil {
		return
	}
	for _, one := range t.List {
		if one.Status == string(journal.Failed) {
			out.Failed = append(out.Failed, v.trouble(one))
		} else {
			out.Held = append(out.Held, v.trouble(one))
		}
	}
	if t.More > 0 {
		out.MoreTroubles = fmt.Sprintf("There are %s more reasons; `ingestd status` lists every file.", count(t.More))
	}
	if t.Unread > 0 {
		out.MoreTroubles = strings.TrimSpace(out.MoreTroubles + fmt.Sprintf(" %s more files are held or failed, and were not looked at for their reasons.", count(t.Unread)))
	}
}

// assetURL is the address of the asset of an entry; "" where it has none.
func (p *Page) assetURL(e report.Entry) string {
	address := p.AssetURL
	for name, id := range map[string]string{"{object_id}": e.ObjectID, "{file_id}": e.FileID} {
		if strings.Contains(address, name) {
			if id == "" {
				return ""
			}
			address = strings.ReplaceAll(address, name, url.PathEscape(id))
		}
	}
	return address
}

// sumOf tells names apart.
func sumOf(names []string) uint64 {
	h := fnv.New64a()
	for _, name := range names {
		_, _ = h.Write([]byte(name)) // it never fails
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}
