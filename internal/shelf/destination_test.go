package shelf

import (
	"testing"
	"time"
)

func TestDestination(t *testing.T) {
	day := time.Date(2026, 11, 24, 23, 0, 0, 0, time.Local)
	for _, c := range []struct{ pattern, folder, file, want string }{
		{"_ingested", "drop", "a/b/c.jpg", "_ingested/a/b/c.jpg"},
		{"_ingested", "drop", "c.jpg", "_ingested/c.jpg"},
		{"_ingested/{date}", "drop", "a/c.jpg", "_ingested/2026-11-24/a/c.jpg"},
		{"_ingested/{path}/{date}", "drop", "a/c.jpg", "_ingested/a/2026-11-24/c.jpg"},
		{"_in/{folder}-{date}/{path}", "drop", "c.jpg", "_in/drop-2026-11-24/c.jpg"},
		{"_in/{folder}", "..", "c.jpg", "_in/__/c.jpg"},
		{"_in/{folder}/{folder}/{folder}", "..", "c.jpg", "_in/__/__/__/c.jpg"},
		{"_in/{folder}", ".", "c.jpg", "_in/_/c.jpg"},
		{"_in/.{folder}", ".", "c.jpg", "_in/._/c.jpg"},
		{"_in/{folder}", "", "c.jpg", "_in/_/c.jpg"},
		{"_in/{folder}", "a/../../b", "c.jpg", "_in/a_.._.._b/c.jpg"},
		{"_in/{folder}", "a\x00\n", "c.jpg", "_in/a__/c.jpg"},
		{"_in/{folder}", "{path}", "a/c.jpg", "_in/{path}/a/c.jpg"},
		{"_in/.{path}", "drop", "c.jpg", "_in/c.jpg"},
		{"_in/{path}.", "drop", "c.jpg", "_in/c.jpg"},
		{"_in/{path}{path}", "drop", "c.jpg", "_in/c.jpg"},
		{"_in/..{path}", "drop", "c.jpg", "_in/__/c.jpg"},
		{"_in/{path}-{date}", "drop", "c.jpg", "_in/-2026-11-24/c.jpg"},
	} {
		if got := Destination(c.pattern, c.folder, c.file, day); got != c.want {
			t.Errorf("%s of %s in %q is %s, want %s", c.pattern, c.file, c.folder, got, c.want)
		}
	}
}
