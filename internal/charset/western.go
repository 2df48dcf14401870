package charset

import (
	"iter"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Text of single bytes does not say in which encoding it is. It is read in each of
// the encodings below, and every character beyond ASCII costs as many bits as it is
// unlikely where it stands: a letter between its neighbours in some language, a sign
// between letters, digits and spaces. The cheapest reading is the likeliest one. A
// Western one is taken where it makes words and nothing else makes better ones.

// byteEncoding is an encoding of single bytes with the languages written in it.
type byteEncoding struct {
	name      string
	charmap   *charmap.Charmap
	western   bool
	prior     float64 // bits, by which it is less usual than Windows-1252
	languages string
}

// westernLanguages are written in Windows-1252, Mac Roman and DOS code pages.
const westernLanguages = "de fr es it pt sv da no nl ca is et fi en"

// byteEncodings are those that are told apart. The others, of other scripts, make
// no Western words.
var byteEncodings = []byteEncoding{
	{"windows-1252", charmap.Windows1252, true, 0, westernLanguages},
	{"macintosh", charmap.Macintosh, true, 2, westernLanguages},
	{"ibm850", charmap.CodePage850, true, 5, westernLanguages},
	{"iso-8859-15", charmap.ISO8859_15, true, 4, westernLanguages},
	{"windows-1250", charmap.Windows1250, false, 2, "pl cs sk hu ro hr sl"},
	{"iso-8859-2", charmap.ISO8859_2, false, 4, "pl cs sk hu ro hr sl"},
	{"ibm852", charmap.CodePage852, false, 5, "pl cs sk hu ro hr sl"},
	{"windows-1254", charmap.Windows1254, false, 2, "tr"},
	{"windows-1257", charmap.Windows1257, false, 2, "lt lv et"},
}

const (
	// strange is what a character costs that cannot stand where it does.
	strange = 16
	// foreign is what a letter costs on top in another language than the rest.
	foreign = 3
	// besideOdd is what a letter costs on top beside what is noNeighbour.
	besideOdd = 10
	// readable is what a character of a text that makes sense costs on average at most.
	readable = 11.5
	// clearly is how much cheaper a Western reading must be than another one, and surely
	// than one of another region.
	clearly = 2
	surely  = 3
)

// Western returns the Western encoding in which texts make words, or nil. Then
// likely names another encoding in which they do; "" if none is known to. It looks at
// so many bytes at most.
func Western(texts iter.Seq[string], most int) (western *charmap.Charmap, likely string) {
	all := languageLetters()
	scales := make([]*scale, len(byteEncodings))
	for i, e := range byteEncodings {
		scales[i] = newScale(e, all)
	}
	var seen [256]bool // bytes
	for text := range texts {
		if ASCII(text) {
			continue
		}
		text = text[:min(len(text), most)]
		for i := range len(text) {
			seen[text[i]] = true
		}
		for _, s := range scales {
			s.weigh(text)
		}
		if most -= len(text); most <= 0 {
			break
		}
	}
	best, next := math.Inf(1), math.Inf(1)
	for _, w := range scales {
		if cost := w.costAmong(scales, &seen); w.western && cost < best {
			best, western = cost, w.charmap
		}
	}
	for _, w := range scales {
		if western != nil && w.western && !alike(western, w.charmap, &seen) {
			next = min(next, w.costAmong(scales, &seen))
		}
	}
	if next < best+clearly {
		return nil, ""
	}
	other := math.Inf(1)
	for _, s := range scales {
		if cost, sense := s.cost(); sense && cost < other && (western == nil || !alike(western, s.charmap, &seen)) && !s.western {
			other, likely = cost, s.name
		}
	}
	if western == nil || other < best+surely {
		return nil, likely
	}
	return western, ""
}

// alike says whether two encodings read the bytes alike.
func alike(a, b *charmap.Charmap, seen *[256]bool) bool {
	for i, is := range seen {
		if is && a.DecodeByte(byte(i)) != b.DecodeByte(byte(i)) {
			return false
		}
	}
	return true
}

// scale weighs how likely texts are in one encoding.
type scale struct {
	byteEncoding
	letters *letters
	own     []int     // the languages of the encoding
	all     []int     // and the Western ones
	main    []float64 // by the languages of own: what the texts cost in it
	signs   float64
	n       int // characters
	odd     int // of these, strange ones
	words   int // letters among them
	rooted  int // of these, those that a letter of ASCII stands beside
}

func newScale(e byteEncoding, l *letters) *scale {
	s := &scale{byteEncoding: e, letters: l}
	for name := range strings.FieldsSeq(e.languages) {
		s.own = append(s.own, l.languages[name])
	}
	s.all = slices.Clone(s.own)
	if !e.western {
		for name := range strings.FieldsSeq(westernLanguages) {
			s.all = append(s.all, l.languages[name])
		}
	}
	s.main = make([]float64, len(s.own))
	return s
}

func (s *scale) weigh(text string) {
	runes := make([]rune, len(text)+4) // two of nothing at either end
	for i := range len(text) {
		runes[i+2] = s.charmap.DecodeByte(text[i])
	}
	for i, r := range runes {
		if r < utf8.RuneSelf {
			continue
		}
		s.n++
		if !wordLetter(r) {
			cost := signCost(runes[:i], r, runes[i+1:])
			if cost >= strange {
				s.odd++
			}
			s.signs += cost
			continue
		}
		if !caseFits(runes[i-2], runes[i-1], r, runes[i+1]) {
			s.odd++
			s.signs += strange
			continue
		}
		if r == 'İ' { // whose small letter is ASCII
			s.signs += 7
			continue
		}
		s.words++
		if isASCIILetter(runes[i-1]) || isASCIILetter(runes[i+1]) {
			s.rooted++
		}
		if noNeighbour(runes[i-1]) || noNeighbour(runes[i+1]) {
			s.signs += besideOdd
		}
		s.weighLetter(letterAt(runes[i-1]), unicode.ToLower(r), letterAt(runes[i+1]))
	}
}

// noNeighbour tells digits and signs that seldom stand beside a letter beyond ASCII:
// they are half of a character of East Asia, more often.
func noNeighbour(r rune) bool {
	return unicode.IsDigit(r) || r != 0 && strings.ContainsRune("^`~|\\@[]{}<>=#$%", r)
}

func isASCIILetter(r rune) bool { return r < utf8.RuneSelf && unicode.IsLetter(r) }

func (s *scale) weighLetter(before, r, after rune) {
	cheapest := float64(strange)
	for _, l := range s.all {
		cheapest = min(cheapest, s.letters.cost(l, before, r, after))
	}
	if cheapest >= strange {
		s.odd++
	}
	for i, l := range s.own {
		s.main[i] += min(s.letters.cost(l, before, r, after), cheapest+foreign, strange)
	}
}

// cost returns the bits of what was weighed, and whether it makes sense.
func (s *scale) cost() (bits float64, sense bool) {
	bits = slices.Min(s.main) + s.signs + s.prior
	alone := s.words > 0 && s.rooted == 0 // no Western text is, but that of other scripts
	return bits, s.n > 0 && !alone && bits-s.prior <= readable*float64(s.n) && s.odd*10 <= s.n
}

// costAmong returns the bits of a reading in whichever encoding, of those that read
// the bytes alike, it makes the most sense: infinitely many where in none.
func (s *scale) costAmong(scales []*scale, seen *[256]bool) float64 {
	cheapest := math.Inf(1)
	for _, other := range scales {
		if cost, sense := other.cost(); sense && cost < cheapest && alike(s.charmap, other.charmap, seen) {
			cheapest = cost
		}
	}
	return cheapest
}
