package embedded

import (
	"strings"
	"time"
)

// The ways in which formats write a time of day, with a zone and without. Go takes
// a fraction behind the seconds of each.
var (
	zonedLayouts = []string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00",
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05 Z0700",
		"2006:01:02 15:04:05Z07:00", "2006:01:02 15:04:05Z0700",
		time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 -0700", "Mon 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 -0700",
		"Mon, 2 Jan 2006 15:04:05 GMT", "Mon, 2 Jan 2006 15:04:05 UTC",
	}
	zonelessLayouts = []string{
		"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006:01:02 15:04:05", "2006/01/02 15:04:05",
		"Mon, 2 Jan 2006 15:04:05", "2 Jan 2006 15:04:05",
		time.ANSIC, "Mon Jan 02 15:04:05 2006",
	}
)

// timeOf writes a time in the one form that facts have (RFC 3339, the zone where it
// is known). Zeros alone are not known; any other text stays as it is. Nothing is
// converted.
func timeOf(text string) string {
	text = strings.TrimSpace(text)
	if strings.Trim(text, "0:/. -TZ") == "" {
		return ""
	}
	if at, ok := parseTime(text, zonedLayouts); ok {
		return at.Format("2006-01-02T15:04:05.999999999Z07:00")
	}
	if at, ok := parseTime(text, zonelessLayouts); ok {
		return at.Format("2006-01-02T15:04:05.999999999")
	}
	return text
}

func parseTime(text string, layouts []string) (time.Time, bool) {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil && at.Year() > 0 {
			return at, true
		}
	}
	return time.Time{}, false
}
