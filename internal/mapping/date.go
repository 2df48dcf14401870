package mapping

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// defaultDateFormat is what the API documents for an attribute that has no format
// of its own.
const defaultDateFormat = "MM/dd/yyyy"

// normalLayouts are those of the dates that facts hold, whatever the file has: of
// EXIF, IPTC and the file system, and of XMP, where they are the standard.
var normalLayouts = []string{
	"2006-01-02",
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
}

// commonLayouts are the ways in which sources write dates: ISO 8601 and EXIF.
// Go accepts a fraction after the seconds of each. None leaves open which number
// is the month.
var commonLayouts = append(slices.Clone(normalLayouts),
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04Z0700",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05 Z0700",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04",
	"2006:01:02 15:04:05Z07:00",
	"2006:01:02 15:04:05Z0700",
	"2006:01:02 15:04:05",
	"2006:01:02",
	"20060102",
	"20060102T150405Z07:00",
	"20060102T150405Z0700",
	"20060102T150405",
)

// partialLayouts are those of dates without a day, which XMP and IPTC allow.
var partialLayouts = []string{"2006-01", "2006:01", "2006"}

// withNormal returns the layouts to try where a form says how its source writes
// dates: those first, and then the normal ones, since a form may have several
// sources. Where one of them reads a normal date as another day (2006-02-01), the
// normal ones are left out.
func withNormal(layouts []string) []string {
	day := time.Date(2034, 11, 5, 0, 0, 0, 0, time.UTC)
	for _, layout := range layouts {
		if back, ok := parseDate(day.Format(layout), normalLayouts); ok && back.YearDay() != day.YearDay() {
			return layouts
		}
	}
	return slices.Concat(layouts, normalLayouts)
}

// parseDate reads a date by the first layout that fits. The day is the one that
// is written: a time of another zone is not converted.
func parseDate(text string, layouts []string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// dateLetters are the parts of an account's date format and what Go calls them,
// longest first.
var dateLetters = []struct{ letters, layout string }{
	{"yyyy", "2006"}, {"YYYY", "2006"}, {"yy", "06"}, {"YY", "06"},
	{"MMMM", "January"}, {"MMM", "Jan"}, {"MM", "01"}, {"M", "1"},
	{"dd", "02"}, {"DD", "02"}, {"d", "2"}, {"D", "2"},
	{"HH", "15"}, {"mm", "04"}, {"ss", "05"},
}

// dateLayout turns an attribute's date format, such as MM/dd/yyyy or yyyy-MM-dd,
// into a Go layout. "" and "N/A" mean the API's default. A format without M takes
// mm for the month, as people write it.
func dateLayout(format string) (string, error) {
	format = strings.TrimSpace(format)
	if format == "" || strings.EqualFold(format, "n/a") {
		format = defaultDateFormat
	}
	rest := format
	if !strings.Contains(format, "M") {
		rest = strings.ReplaceAll(format, "m", "M")
	}
	var layout strings.Builder
next:
	for rest != "" {
		for _, part := range dateLetters {
			if after, ok := strings.CutPrefix(rest, part.letters); ok {
				layout.WriteString(part.layout)
				rest = after
				continue next
			}
		}
		if !strings.ContainsRune("/-.:, ", rune(rest[0])) {
			return "", fmt.Errorf("date format %q has a part that this version does not know: %q", format, rest)
		}
		layout.WriteByte(rest[0])
		rest = rest[1:]
	}
	if !isDateLayout(layout.String()) {
		return "", fmt.Errorf("date format %q has not year, month and day", format)
	}
	return layout.String(), nil
}
