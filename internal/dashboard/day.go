package dashboard

import (
	"fmt"
	"time"
)

// day is what came of files in the last 24 hours, by the hour, the oldest first.
type day struct {
	hours []hour
}

// hour is what came of files in one hour.
type hour struct {
	begin               time.Time
	filed, failed, held int
	bytes               int64 // of what was filed
}

// hourView is an hour as the chart shows it.
type hourView struct {
	X, FiledY, FiledH, BadY, BadH int
	Filed, Bad                    bool
	Label                         string
}

// rowView is an hour as the table shows it.
type rowView struct{ Hour, Filed, Bytes, Failed, Held string }

// The chart's bars stand on its axis and have this height at the most.
const (
	axisY  = 100
	barMax = 90
	stepX  = 20
)

func (d day) view() any {
	out := struct {
		Sum, Alt string
		Hours    []hourView
		Rows     []rowView
	}{}
	var sum hour
	most := 0
	for _, h := range d.hours {
		sum.filed += h.filed
		sum.failed += h.failed
		sum.held += h.held
		sum.bytes += h.bytes
		most = max(most, h.filed+h.failed+h.held)
	}
	out.Sum = fmt.Sprintf("%s %s ingested (%s), %s failed, %s held.", count(sum.filed), plural(sum.filed, "file was", "files were"), bytesText(sum.bytes), count(sum.failed), count(sum.held))
	if most == 0 {
		out.Sum = "No file was ingested, failed or held."
		return out
	}
	out.Alt = "Files by the hour: " + out.Sum + " The table below has the numbers."
	for i, h := range d.hours {
		bad := h.failed + h.held
		v := hourView{X: i*stepX + 2, Filed: h.filed > 0, Bad: bad > 0}
		v.FiledH, v.BadH = barOf(h.filed, most), barOf(bad, most)
		v.FiledY = axisY - v.FiledH
		v.BadY = v.FiledY - v.BadH
		if h.begin.Hour()%6 == 0 {
			v.Label = h.begin.Format("15:04")
		}
		out.Hours = append(out.Hours, v)
		if h.filed+bad > 0 {
			out.Rows = append(out.Rows, rowView{h.begin.Format("2 Jan 15:04"), count(h.filed), bytesText(h.bytes), count(h.failed), count(h.held)})
		}
	}
	return out
}

// barOf is the height of a bar: one file is seen beside a million.
func barOf(n, most int) int {
	if n == 0 {
		return 0
	}
	return max(2, n*(barMax-2)/most)
}
