package charset

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wordLetter says whether a character beyond ASCII makes words.
func wordLetter(r rune) bool {
	return r >= 'À' && r <= 'ɏ' && r != '×' && r != '÷' && r != 'ƒ' || r >= 'Ȁ' && r < 'ȴ'
}

// letterAt returns a letter in lower case, and _ for anything else.
func letterAt(r rune) rune {
	if unicode.IsLetter(r) {
		return unicode.ToLower(r)
	}
	return '_'
}

// caseFits says whether capitals stand at the beginning of a word or in a word of
// capitals.
func caseFits(before2, before, r, after rune) bool {
	switch {
	case unicode.IsUpper(r):
		return !unicode.IsLower(before) && !(unicode.IsUpper(before) && unicode.IsLower(after))
	case r == 'ß':
		return true
	}
	return !unicode.IsUpper(after) && !(unicode.IsUpper(before) && unicode.IsUpper(before2))
}

// What stands beside a sign.
const (
	letterSide = 1 << iota
	digitSide
	spaceSide // or the end of the text
	otherSide
	anySide = letterSide | digitSide | spaceSide | otherSide
)

func sideOf(r rune) int {
	switch {
	case r == 0 || unicode.IsSpace(r):
		return spaceSide
	case unicode.IsLetter(r):
		return letterSide
	case unicode.IsDigit(r):
		return digitSide
	case r < utf8.RuneSelf || strings.ContainsRune("“”„‘’«»‹›…–—¿¡™®€", r):
		return otherSide
	}
	return 0 // signs that stand beside no other
}

// signPlace is where signs may stand, and what they cost there.
type signPlace struct {
	signs         string
	before, after int
	cost          float64
}

var signPlaces = []signPlace{
	{"’", letterSide, letterSide, 8}, // see elided
	{"’", letterSide | digitSide | otherSide, spaceSide | otherSide, 5},
	{"’", spaceSide, letterSide | digitSide, 6},
	{"’", digitSide, letterSide, 6},
	{"‘", spaceSide | otherSide, letterSide | digitSide, 6},
	{"“„", spaceSide | otherSide, letterSide | digitSide | otherSide, 4},
	{"“”", letterSide | digitSide | otherSide, spaceSide | otherSide, 4},
	{"”‚", spaceSide | otherSide, letterSide | digitSide, 6},
	{"«", spaceSide | otherSide, spaceSide | otherSide, 5},
	{"«", spaceSide | otherSide, letterSide | digitSide, 7},
	{"»", anySide, spaceSide | otherSide, 5},
	{"»›", spaceSide | otherSide, letterSide | digitSide, 8},
	{"«‹", letterSide | digitSide | otherSide, spaceSide | otherSide, 8},
	{"‹", spaceSide, letterSide | digitSide, 9},
	{"›", letterSide | digitSide, spaceSide, 9},
	{"–—", spaceSide, spaceSide, 4},
	{"–", digitSide, digitSide, 4},
	{"—", letterSide, letterSide, 10},
	{"–", letterSide, letterSide, 11},
	{"–—", letterSide | digitSide, spaceSide, 11},
	{"–—", spaceSide, letterSide | digitSide, 9},
	{"–—", anySide, anySide, 11},
	{"…", letterSide | digitSide | otherSide, anySide, 4},
	{"…", spaceSide, letterSide | spaceSide, 9},
	{"•", spaceSide, spaceSide, 6},
	{"•", spaceSide, letterSide, 9},
	{"·", spaceSide, spaceSide, 7},
	{"™®", letterSide | digitSide, spaceSide | otherSide, 5},
	{"©", spaceSide | otherSide, spaceSide | otherSide | digitSide, 5},
	{"©", spaceSide | otherSide, letterSide, 12},
	{"°", digitSide | spaceSide, spaceSide | letterSide | otherSide, 5},
	{"€", digitSide | spaceSide | otherSide, digitSide | spaceSide | otherSide, 4},
	{"£", spaceSide | otherSide, digitSide, 5},
	{"¥", spaceSide | otherSide, digitSide, 7},
	{"¢", digitSide, spaceSide | otherSide, 8},
	{"×", spaceSide, spaceSide, 12},
	{"×", digitSide, digitSide, 6},
	{"§", spaceSide | otherSide, digitSide, 6},
	{"§", spaceSide | otherSide, spaceSide, 9},
	{"ªº", digitSide, spaceSide | otherSide, 5},
	{"ªº", letterSide, spaceSide | otherSide, 8},
	{"¿¡", spaceSide | otherSide, letterSide | otherSide | digitSide, 4},
	{"\u00a0", letterSide, letterSide, 8},
	{"\u00a0", letterSide | digitSide | otherSide, digitSide | otherSide, 5},
	{"\u00a0", digitSide | otherSide, letterSide | digitSide | otherSide, 5},
	{"\u00a0", anySide, anySide, 9},
	{"½¼¾", spaceSide | digitSide, spaceSide | otherSide, 7},
	{"¹²³", letterSide | digitSide, spaceSide | otherSide, 6},
	{"±", spaceSide, digitSide | spaceSide, 12},
	{"µ", digitSide, letterSide, 8},
	{"µ", spaceSide, letterSide, 12},
	{"†‡", letterSide | spaceSide | otherSide, spaceSide | otherSide | digitSide, 13},
	{"‰", digitSide | spaceSide, spaceSide | otherSide, 9},
}

// signCost returns the bits of a sign where it stands. There are two characters at
// least on either side, of nothing where the text ends.
func signCost(before []rune, r rune, after []rune) float64 {
	last, next := before[len(before)-1], after[0]
	switch {
	case r == '’' && elided(before, after):
		return 3
	case r == '×' && last == ' ' && unicode.IsDigit(before[len(before)-2]):
		return 6
	case r == '·' && unicode.ToLower(last) == 'l' && unicode.ToLower(next) == 'l': // col·lecció
		return 6
	}
	cost := float64(strange)
	switch {
	case (r == last || r == next) && r != '\u00a0', r == '¡' && !slices.Contains(after, '!'), r == '¿' && !slices.Contains(after, '?'):
		return cost
	case r == '“' && sideOf(next)&(spaceSide|otherSide) != 0 && sideOf(last) != spaceSide && !slices.Contains(before, '„'),
		r == '”' && sideOf(next)&(spaceSide|otherSide) != 0 && sideOf(last)&(spaceSide|digitSide) == 0 && !slices.ContainsFunc(before, func(r rune) bool { return strings.ContainsRune("“”„", r) }):
		return 12 // it closes what was not opened
	case r == '›' && sideOf(last) != spaceSide && !slices.Contains(before, '‹'):
		return 12 // as before
	}
	for _, p := range signPlaces {
		if p.before&sideOf(last) != 0 && p.after&sideOf(next) != 0 && strings.ContainsRune(p.signs, r) {
			cost = min(cost, p.cost)
		}
	}
	return cost
}

// elided says whether an apostrophe stands where letters are left out, as in l’art,
// qu’elle, all’aperto and it’s.
func elided(before, after []rune) bool {
	last := before[len(before)-1]
	if !unicode.IsLetter(last) || !unicode.IsLetter(after[0]) {
		return false
	}
	short := !unicode.IsLetter(before[len(before)-2])
	if short && strings.ContainsRune("ldjmnstco", unicode.ToLower(last)) || strings.ContainsRune("lLuU", last) {
		return true
	}
	rest := after
	if end := slices.IndexFunc(after, func(r rune) bool { return !unicode.IsLetter(r) }); end >= 0 {
		rest = after[:end]
	}
	switch strings.ToLower(string(rest)) {
	case "s", "t", "d", "m", "re", "ll", "ve":
		return true
	}
	return false
}
