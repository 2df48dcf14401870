package timetable

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Mistake is what is wrong in a timetable, and where: Offset is the byte of the text at
// which the word begins that is meant.
type Mistake struct {
	Offset        int
	Message, Hint string
}

const (
	dayHint  = "write Mon, Tue, Wed, Thu, Fri, Sat or Sun, a range such as Mon-Fri, or a list such as Sat,Sun"
	timeHint = "from 00:00 to 23:59, such as 08:00"
)

// word is one of the words of a timetable.
type word struct {
	offset int
	text   string
}

func words(text string) []word {
	var out []word
	begun := -1
	for i, r := range text + " " {
		switch {
		case !unicode.IsSpace(r) && begun < 0:
			begun = i
		case unicode.IsSpace(r) && begun >= 0:
			out = append(out, word{begun, text[begun:i]})
			begun = -1
		}
	}
	return out
}

// days are days of the week, and how they were written; "" are all of them.
type days struct {
	on   [7]bool
	text string
}

func everyDay() days {
	return days{on: [7]bool{true, true, true, true, true, true, true}}
}

// parser reads the words of a timetable.
type parser struct{ mistakes []Mistake }

func (p *parser) add(offset int, hint, message string) {
	p.mistakes = append(p.mistakes, Mistake{offset, message, hint})
}

// split takes the days off a word: "Mon-08:00,10MiB" and "Mon" have some, "08:00,10MiB" has
// none. Whether they can be read is told by ok.
func (p *parser) split(w word) (d days, has bool, rest word, ok bool) {
	end := strings.IndexFunc(w.text, unicode.IsDigit)
	if end < 0 {
		end = len(w.text)
	}
	text := w.text[:end]
	if !strings.ContainsFunc(text, unicode.IsLetter) {
		return d, false, w, true
	}
	rest = word{w.offset + end, w.text[end:]}
	if rest.text != "" {
		cut, joined := strings.CutSuffix(text, "-")
		if !joined {
			p.add(w.offset, dayHint, quote(w.text)+" begins with no day of the week")
			return d, true, rest, false
		}
		text = cut
	}
	d, ok = p.days(word{w.offset, text})
	return d, true, rest, ok
}

// days reads days of the week.
func (p *parser) days(w word) (d days, ok bool) {
	d.text, ok = w.text, true
	for part := range strings.SplitSeq(w.text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, known := weekday(from)
		last, also := weekday(to)
		if !known || !also {
			wrong := from
			if known {
				wrong = to
			}
			p.add(w.offset, dayHint, quote(wrong)+" is no day of the week")
			ok = false
			continue
		}
		for day := first; ; day = (day + 1) % 7 {
			d.on[day] = true
			if day == last {
				break
			}
		}
	}
	return d, ok
}

// weekday reads a day of the week: its first three letters or all of them, in any case.
func weekday(text string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(text, day.String()) || strings.EqualFold(text, day.String()[:3]) {
			return day, true
		}
	}
	return 0, false
}

// time reads a time of day as minutes; 24:00 only where a day may end.
func (p *parser) time(w word, ends bool) (minute int, ok bool) {
	h, m, _ := strings.Cut(w.text, ":")
	hours, ok := digits(h, 1)
	minutes, fine := digits(m, 2)
	minute = hours*60 + minutes
	switch {
	case !ok || !fine || minutes > 59 || hours > 24 || minute > minutesOfDay || minute == minutesOfDay && !ends:
		hint := timeHint
		if minute == minutesOfDay && ok && fine {
			hint = "write 00:00, with the day after"
		}
		p.add(w.offset, hint, quote(w.text)+" is no time of day")
		return 0, false
	}
	return minute, true
}

// digits reads a number of at least so many digits, and two at most.
func digits(text string, least int) (int, bool) {
	if len(text) < least || len(text) > 2 || strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// quote shows a word of a timetable, shortened.
func quote(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		text = string(runes[:40]) + "…"
	}
	return strconv.Quote(text)
}
