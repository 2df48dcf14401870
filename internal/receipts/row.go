package receipts

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/follow"
)

// bom tells Excel that the text is UTF-8; it would read names in the machine's own encoding.
const bom = "\uFEFF"

// columns are the first line.
var columns = []string{"time", "path", "status", "asset id", "file id", "version", "checksum", "reason"}

// Facts are what a row tells beside its event.
type Facts struct {
	ObjectID, FileID string
	Version          int    // of the asset, from 1; 0 where there is none
	Checksum         string // of the content, such as sha256:0f3a; "" while none is known
}

// row is one line of the list.
type row struct {
	text []byte // with the end of its line
	// key is how its line begins: time, path and status, by which it is known again. What follows
	// may have been learned meanwhile.
	key []byte
}

func rowOf(e follow.Event, f Facts) row {
	version := ""
	if f.Version > 0 {
		version = strconv.Itoa(f.Version)
	}
	key := []string{e.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"), cell(e.Path), cell(e.Status)}
	rest := []string{cell(f.ObjectID), cell(f.FileID), version, cell(f.Checksum), cell(e.Reason)}
	begins := bytes.TrimSuffix(line(key), []byte("\n"))
	return row{key: append(begins, ','), text: line(append(key, rest...))}
}

// line writes one line of CSV.
func line(cells []string) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(cells) // into memory
	w.Flush()
	return out.Bytes()
}

// begin is how a list begins.
func begin() []byte { return append([]byte(bom), line(columns)...) }

// missing returns the rows that are not among the last lines of the list, and how many bytes
// at its end are a line whose writing broke off. Of rows that are alike as many are missing as
// are not there.
func missing(rows []row, tail []byte) (out []row, torn int) {
	there := make(map[string]int)
	for _, row := range rows {
		key := string(row.key)
		if _, counted := there[key]; !counted {
			n, broken := occurrences(tail, row.key)
			there[key], torn = n, max(torn, broken)
		}
		if there[key]--; there[key] < 0 {
			out = append(out, row)
		}
	}
	if torn > 0 || len(out) == 0 {
		return out, torn
	}
	if len(tail) > 0 && bytes.HasPrefix(begin(), tail) && len(tail) < len(begin()) {
		return out, len(tail)
	}
	for n := len(out[0].key) - 1; n > 0; n-- { // it broke off before it can be known
		if bytes.HasSuffix(tail, append([]byte("\n"), out[0].key[:n]...)) {
			return out, n
		}
	}
	return out, 0
}

// occurrences counts the whole lines of a text that begin with a key, and tells how many bytes
// the last one has if it is not whole.
func occurrences(text, key []byte) (n, broken int) {
	mark := append([]byte("\n"), key...)
	for {
		at := bytes.Index(text, mark)
		if at < 0 {
			return n, 0
		}
		text = text[at+1:]
		if !whole(text) {
			return n, len(text)
		}
		n++
	}
}

// whole reports that a line of CSV ends in a text that begins with it. The end of a line
// within quotes is a part of a cell.
func whole(text []byte) bool {
	quoted := false
	for _, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			return true
		}
	}
	return false
}

// cell makes a text one that no spreadsheet runs: what begins a formula gets an apostrophe
// before it, as a spreadsheet itself marks a text. A cell also begins after a semicolon or the
// end of a line, for an Excel whose machine separates cells by semicolons.
func cell(text string) string {
	var out strings.Builder
	begins := true
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch r {
		case '=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠':
			if begins {
				out.WriteByte('\'')
			}
			begins = r == '\t' || r == '\r'
		case ';', '\n':
			begins = true
		case ' ', '"', '\u00a0', 0:
			// which may be passed over before a formula
		default:
			begins = false
		}
		out.WriteRune(r)
	}
	return out.String()
}
