package main

import (
	"cmp"
	"io"
	"os"
	"slices"

	"golang.org/x/term"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/bars"
	"github.com/tenovos-ingest/ingestd/internal/display"
)

// barsOn returns a stream on which bars can be drawn, where it is a terminal that takes
// control sequences; else the stream as it is.
func barsOn(stream io.Writer) io.Writer {
	if f, ok := stream.(*os.File); ok && term.IsTerminal(int(f.Fd())) && takesControls() {
		return bars.On(f)
	}
	return stream
}

// takesControls reports that nothing in the environment speaks against colours and moving
// the cursor.
func takesControls() bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// barsOf returns the terminal on which bars can be drawn; nil if the stream is none.
func barsOf(stream io.Writer) *bars.Terminal {
	t, _ := display.Unwrap(stream).(*bars.Terminal)
	return t
}

// onTheirWay are the files of which bytes have left, the largest first: they take longest.
func onTheirWay(active []ingest.Activity) []bars.File {
	slices.SortFunc(active, func(a, b ingest.Activity) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Folder, b.Folder), cmp.Compare(a.Path, b.Path))
	})
	var out []bars.File
	for _, a := range active {
		if a.Sent > 0 {
			out = append(out, barOf(a.Folder, a.Path, a.Size, a.Sent))
		}
	}
	return out
}

// barOf is a file as its bar shows it, named as status names it.
func barOf(folder, path string, size, sent int64) bars.File {
	return bars.File{Name: display.Text(folder) + "/" + display.Name(path), Size: size, Sent: sent}
}
