package bars

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// drawing is a picture below the lines of a terminal, replaced as a whole: mpb moves the
// cursor up over the picture before, writes the lines that have come meanwhile, and the next
// picture below them. Not safe for concurrent use.
type drawing struct {
	file    *os.File
	mpb     *mpb.Progress
	refresh chan any
	frames  chan struct{} // told of each picture that was written
	picture []row         // the one that is there, or is being drawn
	lines   int           // of the terminal when it was drawn
	lower   bool          // the terminal lost lines since the screen was cleared
	drawn   bool
	dirty   bool // lines were written since
}

func newDrawing(file *os.File) *drawing {
	d := &drawing{file: file, refresh: make(chan any), frames: make(chan struct{})}
	d.mpb = mpb.New(mpb.WithOutput(d), mpb.WithManualRefresh(d.refresh), mpb.WithWidth(mostRows+1)) // which bounds the height
	first := mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error { return d.write(w, 0, 1, "") })
	others := mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error { return d.write(w, 1, len(d.picture), "\n") })
	d.mpb.MustAdd(0, first, mpb.BarFillerTrim(), mpb.BarExtender(others, false))
	d.above([]byte(clean))
	d.dirty = false
	return d
}

// clean takes away what somebody typed on the line below the picture, such as the ^C of
// Ctrl-C: mpb goes up in the column where that ended.
const clean = "\r\x1b[J"

// write writes some rows of the picture.
func (d *drawing) write(w io.Writer, from, to int, end string) error {
	for i := from; i < min(to, len(d.picture)); i++ {
		if _, err := io.WriteString(w, d.picture[i].text+end); err != nil {
			return err
		}
	}
	return nil
}

// Write implements io.Writer for mpb, which calls it once for each picture. A terminal that
// is gone is no reason to stop the work.
func (d *drawing) Write(p []byte) (int, error) {
	_, _ = d.file.Write(p)
	d.frames <- struct{}{}
	return len(p), nil
}

// above has lines written above the next picture.
func (d *drawing) above(lines []byte) {
	_, _ = d.mpb.Write(lines)
	d.dirty = true
}

// draw replaces the picture, if it differs or lines are to be written above it.
func (d *drawing) draw(picture []row) {
	if !d.dirty && slices.Equal(picture, d.picture) {
		return
	}
	d.picture, d.drawn = picture, true
	d.refresh <- time.Now()
	<-d.frames
	d.above([]byte(clean))
	d.dirty = false
}

// torn reports whether the terminal, which has that size now, may have torn the picture in
// a way that only the terminal knows: it became narrower than the picture, or lower and then
// higher, and shows again what had scrolled away.
func (d *drawing) torn(columns, lines int) bool {
	torn := lines > d.lines && d.lower
	d.lower = d.lower && !torn || d.lines > lines
	d.lines = lines
	return torn || slices.ContainsFunc(d.picture, func(r row) bool { return r.columns > columns })
}

// anew clears the screen and writes the recent lines again for which there is room beside
// the next picture.
func (d *drawing) anew(recent [][]byte, columns, lines int) {
	from := len(recent)
	for from > 0 {
		if lines -= height(recent[from-1], columns); lines < 1 {
			break
		}
		from--
	}
	d.above(slices.Concat([]byte("\x1b[2J\x1b[H"), bytes.Join(recent[from:], nil)))
}

// colours are the sequences that take no room.
var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// height is how many lines of the screen a line takes.
func height(line []byte, columns int) int {
	text := bytes.TrimSuffix(colours.ReplaceAll(line, nil), []byte("\n"))
	return max(1, (width(string(text))+columns-1)/columns)
}

// end takes the picture away, and leaves the cursor where it began.
func (d *drawing) end() {
	if d.dirty {
		d.draw(d.picture)
	}
	d.mpb.Shutdown()
	if d.drawn { // mpb draws an empty picture as a line
		fmt.Fprintf(d.file, "\r\x1b[%dA\x1b[J", max(1, len(d.picture)))
	}
}
