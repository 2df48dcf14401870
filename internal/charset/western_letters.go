package charset

import (
	_ "embed"
	"math"
	"strings"
	"sync"
	"unicode/utf8"
)

// lettersText tells for each language how many bits its letters beyond ASCII cost
// between two neighbours, by how often they stand so in the words of spelling
// dictionaries, those of everyday counted more. A line of one word names a language;
// any other has a letter and, for each place, its neighbours (_ is the end of a word)
// and the bits in hexadecimal. It is made by testdata/letters.py.
//
//go:embed letters.txt
var lettersText string

// letters are the letters beyond ASCII of some languages.
type letters struct {
	languages map[string]int      // by name
	places    map[[3]rune][]uint8 // bits by language; 0 where it has no such place
	halves    []map[half]float64  // by language
	alone     []map[rune]float64  // by language: bits whatever the neighbours
}

// half is a letter beside one neighbour.
type half struct {
	r, neighbour rune
	after        bool // the neighbour comes after it
}

// languageLetters reads the letters when a text asks for them for the first time.
var languageLetters = sync.OnceValue(func() *letters {
	l := &letters{languages: map[string]int{}, places: map[[3]rune][]uint8{}}
	for line := range strings.Lines(lettersText) {
		letter, places, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			l.languages[letter] = len(l.alone)
			l.halves, l.alone = append(l.halves, map[half]float64{}), append(l.alone, map[rune]float64{})
			continue
		}
		r, _ := utf8.DecodeRuneInString(letter)
		p := []rune(places)
		for i := 0; i+2 < len(p); i += 3 {
			l.add(p[i], r, p[i+1], strings.IndexRune("0123456789abcdef", p[i+2]))
		}
	}
	for i := range l.alone {
		toBits(l.halves[i])
		toBits(l.alone[i])
	}
	return l
})

// add takes a place of the language that was named last. Halves and letters alone are
// shares until they are all there.
func (l *letters) add(before, r, after rune, bits int) {
	language := len(l.alone) - 1
	key := [3]rune{before, r, after}
	place := l.places[key]
	for len(place) <= language {
		place = append(place, 0)
	}
	place[language] = uint8(bits)
	l.places[key] = place
	share := math.Exp2(-float64(bits))
	l.alone[language][r] += share
	l.halves[language][half{r, before, false}] += share
	l.halves[language][half{r, after, true}] += share
}

func toBits[K comparable](shares map[K]float64) {
	for k, share := range shares {
		shares[k] = -math.Log2(share)
	}
}

// cost returns the bits of a letter between its neighbours in a language. A place
// that its words do not have costs more than what its halves do.
func (l *letters) cost(language int, before, r, after rune) float64 {
	if place := l.places[[3]rune{before, r, after}]; len(place) > language && place[language] > 0 {
		return float64(place[language])
	}
	alone, ok := l.alone[language][r]
	if !ok {
		return strange
	}
	left, okLeft := l.halves[language][half{r, before, false}]
	right, okRight := l.halves[language][half{r, after, true}]
	switch {
	case okLeft && okRight:
		return min(strange-2, left+right-alone+2)
	case okLeft || okRight:
		return strange - 1.5
	}
	return strange - 1
}
