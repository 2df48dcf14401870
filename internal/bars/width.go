package bars

import (
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/rivo/uniseg"
)

// narrow measures characters whose width is a matter of taste as most terminals do,
// whatever the locale says.
var narrow = &runewidth.Condition{}

// Characters that terminals do not agree on.
const (
	emojiStyle     = '\ufe0f' // makes the one before it an emoji, which some draw wide
	firstIndicator = '\U0001f1e6'
	lastIndicator  = '\U0001f1ff' // two letters of a country are a flag, or each is wide
)

// width is how many columns a text takes at the most: terminals do not agree on emoji that
// are joined, and a line that is too long would tear the picture.
func width(s string) (n int) {
	for _, r := range s {
		switch {
		case r == emojiStyle:
			n++
		case r >= firstIndicator && r <= lastIndicator:
			n += 2
		default:
			n += narrow.RuneWidth(r)
		}
	}
	return n
}

// ellipsis stands for what is left out.
const ellipsis = "…"

// shorten returns a text of at most so many columns. What is left out is in the middle: of a
// path the beginning and the name tell most, the name more.
func shorten(s string, columns int) string {
	if width(s) <= columns {
		return s
	}
	if columns < 1 {
		return ""
	}
	var all []string // what is seen as one character is not cut
	for g := uniseg.NewGraphemes(s); g.Next(); {
		all = append(all, g.Str())
	}
	room := columns - width(ellipsis)
	head, rest := fits(all, room/3)
	tail := len(all)
	for used := 0; tail > head; tail-- {
		if used += width(all[tail-1]); used > room-room/3+rest {
			break
		}
	}
	return strings.Join(all[:head], "") + ellipsis + strings.Join(all[tail:], "")
}

// fits returns how many of the characters fit into so many columns, and how many of these
// are left then.
func fits(all []string, columns int) (n, rest int) {
	for rest = columns; n < len(all) && width(all[n]) <= rest; n++ {
		rest -= width(all[n])
	}
	return n, rest
}

// cut returns the beginning of a text, of at most so many columns.
func cut(s string, columns int) string {
	if width(s) <= columns {
		return s
	}
	var all []string
	for g := uniseg.NewGraphemes(s); g.Next(); {
		all = append(all, g.Str())
	}
	n, _ := fits(all, columns-width(ellipsis))
	if columns < 1 {
		return ""
	}
	return strings.Join(all[:n], "") + ellipsis
}
