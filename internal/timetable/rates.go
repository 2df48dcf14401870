package timetable

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rates say how many bytes a second may be sent, which may change in the course of a week.
// The zero value is no limit.
type Rates struct {
	steady int64 // where there is no week
	week   week[int64]
}

// Steady is a rate that never changes; 0 is no limit.
func Steady(rate int64) Rates { return Rates{steady: rate} }

// Equal reports that two say the same at any time.
func (r Rates) Equal(other Rates) bool {
	same := func(a, b change[int64]) bool { return a.minute == b.minute && a.to == b.to }
	return r.steady == other.steady && slices.EqualFunc(r.week, other.week, same)
}

// At returns the rate at a time, 0 for no limit, and until when it holds: zero is for ever.
func (r Rates) At(t time.Time) (rate int64, until time.Time) {
	if len(r.week) == 0 {
		return r.steady, time.Time{}
	}
	_, until = r.week.next(t)
	return r.week.last(t).to, until
}

const (
	rateExample = "as in Mon-Fri 08:00,10MiB 18:00,off"
	rateHint    = "a rate is a size a second: 10MiB, 512KiB; off is no limit"
)

// ParseRates reads words of the form HH:MM,RATE. Days before one (Mon-Fri 08:00,10MiB) are
// those of all that follow, until other days are named; days within one (Mon-08:00,10MiB)
// are those of this one alone. Without any it is for every day. A rate holds until the next
// one, over days that are not named as well. size reads a size in bytes.
func ParseRates(text string, size func(string) (int64, bool)) (Rates, []Mistake) {
	var p parser
	var r Rates
	current, named := everyDay(), word{}
	taken := make(map[int]bool)
	for _, w := range words(text) {
		if strings.EqualFold(w.text, "off") {
			p.add(w.offset, rateExample, "off has no time before it")
			continue
		}
		d, has, rest, ok := p.split(w)
		if has && rest.text == "" { // for what follows, even if it is wrong
			if named.text != "" {
				p.add(named.offset, rateExample, "no time follows "+quote(named.text))
			}
			if current, named = d, w; !ok {
				current, named = everyDay(), word{}
			}
			continue
		}
		if !has {
			d, named = current, word{}
		}
		minute, rate, fine := p.rate(rest, size)
		if !ok || !fine {
			continue
		}
		r.week = append(r.week, p.changes(d, rest, minute, rate, taken)...)
	}
	if named.text != "" {
		p.add(named.offset, rateExample, "no time follows "+quote(named.text))
	}
	if len(r.week) == 0 && len(p.mistakes) == 0 {
		p.add(0, rateExample, "the timetable has no times")
	}
	r.week.sort()
	return r, p.mistakes
}

// changes are those of a rate on its days.
func (p *parser) changes(d days, w word, minute int, rate int64, taken map[int]bool) (out week[int64]) {
	twice := false
	for day := time.Sunday; day <= time.Saturday; day++ {
		at := int(day)*minutesOfDay + minute
		switch {
		case !d.on[day]:
		case !taken[at]:
			taken[at] = true
			out = append(out, change[int64]{minute: at, to: rate, days: d.text})
		case !twice:
			twice = true
			p.add(w.offset, "leave one of the two out", fmt.Sprintf("%02d:%02d has two rates on %s", minute/60, minute%60, day.String()[:3]))
		}
	}
	return out
}

// rate reads HH:MM,RATE.
func (p *parser) rate(w word, size func(string) (int64, bool)) (minute int, rate int64, ok bool) {
	at, text, _ := strings.Cut(w.text, ",")
	if !strings.Contains(at, ":") {
		p.add(w.offset, rateExample, quote(w.text)+" has no time")
		return 0, 0, false
	}
	minute, ok = p.time(word{w.offset, at}, false)
	switch place := w.offset + len(at) + 1; {
	case text == "":
		p.add(w.offset, "write it after the time and a comma, without a space: 08:00,10MiB", quote(at)+" has no rate")
		return 0, 0, false
	case strings.EqualFold(text, "off"):
		return minute, 0, ok
	default:
		rate, known := size(text)
		if !known {
			p.add(place, rateHint, quote(text)+" is no rate")
		}
		return minute, rate, ok && known
	}
}
