package timetable

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hours are those of a week in which work may be begun. The zero value is always.
type Hours struct {
	week week[bool] // opening and closing in turns
}

// Equal reports that two say the same at any time.
func (h Hours) Equal(other Hours) bool { return slices.Equal(h.week, other.week) }

// Always reports that there are no other hours.
func (h Hours) Always() bool { return len(h.week) == 0 }

// Open reports whether a time is within the hours, and until when that stays so: zero is for
// ever. Outside of them why says in words what is waited for.
func (h Hours) Open(t time.Time) (open bool, until time.Time, why string) {
	if h.Always() {
		return true, time.Time{}, ""
	}
	opens, until := h.week.next(t)
	if h.week.last(t).to {
		return true, until, ""
	}
	for range h.week { // clocks that are put forward may leave a whole opening out
		if opens.to && h.week.last(until).to {
			break
		}
		opens, until = h.week.next(until)
	}
	why = "its hours: from "
	if !date(until, 0).Equal(date(t, 0)) {
		why += until.Weekday().String() + " "
	}
	why += until.Format("15:04")
	if opens.days != "" {
		why += " (" + opens.days + ")"
	}
	return false, until, why
}

const hoursExample = "as in Mon-Fri 20:00-06:00 Sat,Sun"

// ParseHours reads words of the form HH:MM-HH:MM, or several of them with commas between;
// one that ends no later than it begins ends on the day after. Days before one are those of
// all that follow, until other days are named; days with nothing after them are whole days.
// Without any it is for every day. An empty text is always.
func ParseHours(text string) (Hours, []Mistake) {
	var p parser
	open := new(openMinutes)
	current, whole := everyDay(), false
	for _, w := range words(text) {
		if trimmed := strings.TrimRight(w.text, ",;"); trimmed != "" {
			w.text = trimmed
		}
		d, has, rest, ok := p.split(w)
		if !has {
			d = current
		}
		if has && rest.text == "" {
			if whole {
				open.add(current, 0, minutesOfDay)
			}
			if current, whole = d, ok; !ok {
				current = everyDay()
			}
			continue
		}
		if !has {
			whole = false
		}
		for _, r := range split(rest, ',') {
			if from, to, fine := p.span(r); fine && ok {
				open.add(d, from, to)
			}
		}
	}
	if whole {
		open.add(current, 0, minutesOfDay)
	}
	return Hours{open.week()}, p.mistakes
}

// split cuts a word at a separator.
func split(w word, separator byte) (out []word) {
	for part := range strings.SplitSeq(w.text, string(separator)) {
		out = append(out, word{w.offset, part})
		w.offset += len(part) + 1
	}
	return out
}

// span reads HH:MM-HH:MM as minutes of a day; the end is after the beginning.
func (p *parser) span(w word) (from, to int, ok bool) {
	ends := split(w, '-')
	if len(ends) != 2 || ends[0].text == "" || ends[1].text == "" {
		p.add(w.offset, hoursExample, quote(w.text)+" is no range of times")
		return 0, 0, false
	}
	from, ok = p.time(ends[0], false)
	to, fine := p.time(ends[1], true)
	if !ok || !fine {
		return 0, 0, false
	}
	if from == to {
		p.add(w.offset, "whole days are named without times: Sat,Sun", fmt.Sprintf("%s begins when it ends", quote(w.text)))
		return 0, 0, false
	}
	if to < from {
		to += minutesOfDay
	}
	return from, to, true
}

// openMinutes are the minutes of a week that are within hours.
type openMinutes struct {
	open   [7 * minutesOfDay]bool
	begins map[int]string // the days of what begins at a minute, as they were written
}

// add opens what lies between two minutes of some days.
func (o *openMinutes) add(d days, from, to int) {
	if o.begins == nil {
		o.begins = make(map[int]string)
	}
	for day, on := range d.on {
		if !on {
			continue
		}
		if _, taken := o.begins[day*minutesOfDay+from]; !taken {
			o.begins[day*minutesOfDay+from] = d.text
		}
		for m := from; m < to; m++ {
			o.open[(day*minutesOfDay+m)%len(o.open)] = true
		}
	}
}

// week returns the changes between open and closed; none where all is open.
func (o *openMinutes) week() (w week[bool]) {
	before := o.open[len(o.open)-1]
	for m, is := range o.open {
		if is != before {
			w = append(w, change[bool]{minute: m, to: is, days: o.begins[m]})
		}
		before = is
	}
	return w
}
