package config

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/timetable"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// timeLoader reads timetables.
type timeLoader struct{ *loader }

// bandwidth reads a size a second, off, or a timetable of them.
func (l timeLoader) bandwidth(n *yaml.Node, to *timetable.Rates) {
	if n == nil {
		return
	}
	text, ok := l.Constant(n, "bandwidth")
	_, masked := l.shown[n]
	begins, _ := utf8.DecodeRuneInString(text)
	switch {
	case !ok:
	case strings.EqualFold(text, "off"):
		*to = timetable.Steady(0)
	case strings.ContainsAny(text, ":,") || unicode.IsLetter(begins) && !masked:
		rates, mistakes := timetable.ParseRates(text, parseSize)
		if l.mistaken(n, "bandwidth", "such as Mon-Fri 08:00,10MiB 18:00,off", mistakes) {
			return
		}
		*to = rates
		l.zone(n, "bandwidth")
	default:
		var rate int64
		l.size(n, "bandwidth", &rate, 0)
		*to = timetable.Steady(rate)
	}
}

// hours reads when files may be begun; nothing is always.
func (l timeLoader) hours(n *yaml.Node, to *timetable.Hours) {
	if n == nil {
		return
	}
	text, ok := l.Constant(n, "hours")
	if !ok {
		return
	}
	hours, mistakes := timetable.ParseHours(text)
	if !l.mistaken(n, "hours", "such as Mon-Fri 20:00-06:00 Sat,Sun", mistakes) {
		*to = hours
	}
	if !hours.Always() {
		l.zone(n, "hours")
	}
}

// zone warns where the time zone of the process has a name that says nothing here.
func (l timeLoader) zone(n *yaml.Node, what string) {
	name, _ := l.env("TZ")
	name = strings.TrimPrefix(name, ":")
	if _, err := time.LoadLocation(name); err != nil && !strings.HasPrefix(name, "/") {
		l.warn(n, "such as Europe/Berlin", "%s: the time zone of the environment, TZ=%q, is not known: its times are taken for those of UTC", what, name)
	}
}

// mistaken complains of the mistakes in a timetable, each at its place, and reports whether
// there are any. What came from a variable is not shown.
func (l timeLoader) mistaken(n *yaml.Node, what, hint string, mistakes []timetable.Mistake) bool {
	if _, masked := l.shown[n]; masked && len(mistakes) > 0 {
		l.Add(yamltree.At(n), hint, "%s: %s is no timetable", what, l.Quote(n))
		return true
	}
	for _, m := range mistakes {
		at := yamltree.At(n)
		switch n.Style {
		case yaml.LiteralStyle, yaml.FoldedStyle: // of several lines
		case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
			at.Column++
			fallthrough
		default:
			at.Column += utf8.RuneCountInString(n.Value[:m.Offset])
		}
		l.Add(at, m.Hint, "%s: %s", what, m.Message)
	}
	return len(mistakes) > 0
}
