package bars

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Bounds of the picture. On a wide terminal lines stay short enough to be read, and of a
// high one the larger part is left to the lines above.
const (
	widest   = 120 // columns
	textRows = 2   // of what is said of the whole
	mostRows = 16

	shortestBar = 8 // columns, the brackets included
	percentage  = len(" 100%")
	amounts     = len("  1023 MiB of 1023 MiB")
)

// row is a line of the picture and how many columns it takes.
type row struct {
	text    string
	columns int
}

// rows is the picture of a view on a terminal of that size. No row is as wide as the
// terminal, for a character in its last column makes some of them begin another line.
func rows(v View, columns, lines int) []row {
	wide := min(columns-1, widest)
	most := max(1, min(lines/2, mostRows))
	var out []row
	if v.Total > 0 && most > 2 {
		if bar := wide - percentage; bar >= shortestBar {
			out = append(out, row{drawBar(bar, v.Done, v.Total) + percent(v.Done, v.Total), wide})
		}
	}
	for _, line := range wrap(v.Text, wide) {
		if len(out) < most {
			out = append(out, row{line, width(line)})
		}
	}
	return append(out, fileRows(v.Files, wide, most-len(out))...)
}

// wrap joins texts to lines, as few as possible, and cuts what is too long.
func wrap(texts []string, wide int) []string {
	const between = " · "
	var lines []string
	for _, t := range texts {
		last := len(lines) - 1
		if last >= 0 && (width(lines[last]+between+t) <= wide || len(lines) == textRows) {
			lines[last] += between + t
		} else {
			lines = append(lines, t)
		}
	}
	for i, l := range lines {
		lines[i] = cut(l, wide)
	}
	return lines
}

// fileRows has a row for each file, or, where there is no room for all, for the first and
// the number of the others.
func fileRows(files []File, wide, most int) []row {
	if most <= 0 {
		return nil
	}
	var more string
	if len(files) > most {
		more = fmt.Sprintf("  and %d more", len(files)-most+1)
		files = files[:most-1]
	}
	longest := 0
	for _, f := range files {
		longest = max(longest, width(f.Name))
	}
	var out []row
	for _, f := range files {
		out = append(out, fileRow(f, longest, wide))
	}
	if more != "" {
		out = append(out, row{cut(more, wide), min(width(more), wide)})
	}
	return out
}

// fileRow is the row of a file, whose names take as many columns as the longest where there
// is room. What follows the name begins in the same column whatever the terminal thinks of
// the width of a name.
func fileRow(f File, longest, wide int) row {
	const indent = "  "
	if wide < 2*percentage {
		text := shorten(f.Name, wide)
		return row{text, width(text)}
	}
	name, tail := min(longest, wide*2/5), percentage+amounts
	rest := func() int { return wide - len(indent) - name - 1 - tail }
	if rest() < shortestBar {
		tail = percentage
	}
	bar := rest()
	if bar < shortestBar {
		name, bar = max(0, min(longest, wide-len(indent)-percentage)), 0
	}
	var b strings.Builder
	at := len(indent) + name
	fmt.Fprintf(&b, "%s%s\x1b[%dG", indent, shorten(f.Name, name), at+1)
	if bar > 0 {
		b.WriteString(" " + drawBar(bar, f.Sent, f.Size))
		at += 1 + bar
	}
	b.WriteString(percent(f.Sent, f.Size))
	at += percentage
	if tail > percentage {
		text := fmt.Sprintf("  %s of %s", humanize.IBytes(uint64(f.Sent)), humanize.IBytes(uint64(f.Size)))
		b.WriteString(text)
		at += len(text)
	}
	return row{b.String(), at}
}

// percent is how much is done: all only when it is all.
func percent(done, total int64) string {
	if total <= 0 {
		return ""
	}
	return fmt.Sprintf(" %3d%%", min(max(done, 0), total)*100/total)
}

// drawBar is a bar of so many columns.
func drawBar(columns int, done, total int64) string {
	var b bytes.Buffer
	s := decor.Statistics{AvailableWidth: columns, Total: total, Current: min(max(done, 0), total), Completed: done >= total}
	if err := mpb.BarStyle().Build().Fill(&b, s); err != nil { // a buffer takes everything
		return ""
	}
	return b.String()
}
