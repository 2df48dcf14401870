package facts

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// The bounds of a PNG's words.
const (
	maxWords  = 1 << 20 // bytes of all texts
	maxDamage = 100     // chunks that cannot be read, after which no more are
)

// pngWord is what a PNG tells under one keyword, as often as it says it.
type pngWord struct {
	keyword string
	value   value
}

// emitPNG tells the texts of a PNG by their keywords (png.Title), also without the
// spaces of a keyword (png.CreationTime), and when the picture was changed last
// (png.ModifyDate). XMP and the profiles that ImageMagick writes as text are told
// elsewhere.
func emitPNG(c *collector, s *source, head []byte, langs []string) error {
	if !hasPrefix(head, "\x89PNG\r\n\x1A\n", "\x8BJNG\r\n\x1A\n", "\x8AMNG\r\n\x1A\n") {
		return nil
	}
	words := pngWords{at: map[string]int{}, left: maxWords}
	var damage []error // of single chunks, beside which the others are read
	err := pngChunks(s, func(kind string, off, length int64) (bool, error) {
		switch kind {
		case "MEND": // the end of a MNG
			return true, nil
		case "tIME":
			return false, words.changed(s, off)
		case "iTXt", "zTXt", "tEXt":
			if err := words.take(s, kind, off, length); err != nil {
				damage = append(damage, fmt.Errorf("the %s chunk at byte %d: %w", kind, off-pngHead, err))
			}
			return len(damage) > maxDamage || words.left < 0, nil
		}
		return false, nil
	})
	for _, w := range words.all {
		e := emitter{collector: c, origin: "the PNG text " + w.keyword, langs: langs}
		e.emit(PNGPrefix+w.keyword, w.value)
		if short := strings.ReplaceAll(w.keyword, " ", ""); short != w.keyword {
			e.emit(PNGPrefix+short, w.value)
		}
	}
	if words.time != "" {
		c.add(PNGPrefix+"ModifyDate", "the PNG's time of its last change", words.time)
	}
	if err != nil {
		damage = append(damage, err)
	}
	return damageError(damage)
}

type pngWords struct {
	all  []pngWord
	at   map[string]int // in all, by the Key of the keyword
	time string
	left int // bytes of text that are kept
}

// changed reads a tIME chunk.
func (w *pngWords) changed(s *source, off int64) error {
	h, err := s.peek(off, 7)
	if err != nil {
		return err
	}
	// A date that is none (of zeros) is not known.
	at := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", binary.BigEndian.Uint16(h), h[2], h[3], h[4], h[5], h[6])
	if _, err := time.Parse(time.RFC3339, at); err == nil {
		w.time = at
	}
	return nil
}

// take reads a chunk of text.
func (w *pngWords) take(s *source, kind string, off, length int64) error {
	const longest = 79 // of a keyword
	h, err := s.peek(off, min(length, longest+1))
	if err != nil {
		return err
	}
	name, _, ended := bytes.Cut(h, []byte{0})
	if !ended || len(name) == 0 {
		return errors.New("it has no keyword")
	}
	keyword := tidy(latin1(name))
	if keyword == "XML:com.adobe.xmp" || strings.HasPrefix(strings.ToLower(keyword), "raw profile type ") || keyword == "" {
		return nil
	}
	const slack = 1 << 10 // for the keyword and the language
	if length > MaxValue+slack {
		return fmt.Errorf("it is longer than %d KiB", (MaxValue+slack)>>10)
	}
	chunk, err := s.block(off, length)
	if err != nil {
		return err
	}
	rest := chunk[len(name)+1:]
	raw, err := pngText(kind, rest, MaxValue)
	if err != nil {
		return err
	}
	if w.left -= len(raw); w.left < 0 {
		return fmt.Errorf("there is more than %d KiB of text", maxWords>>10)
	}
	text, lang := latin1(raw), ""
	if kind == "iTXt" {
		text = string(raw)
		tag, _, _ := bytes.Cut(rest[2:], []byte{0})
		lang = strings.ToLower(Clean(string(tag)))
	}
	text = tidyLines(text)
	if strings.EqualFold(strings.ReplaceAll(keyword, " ", ""), "CreationTime") {
		text = timeOf(text)
	}
	w.add(keyword, value{text: text, lang: lang})
	return nil
}

// add notes one more text of a keyword. Texts that tell their language are one text
// in several languages, any others are a list.
func (w *pngWords) add(keyword string, one value) {
	key := Key(keyword)
	if i, again := w.at[key]; again {
		w.all[i].value.items = append(w.all[i].value.items, one)
		return
	}
	w.at[key] = len(w.all)
	w.all = append(w.all, pngWord{keyword, value{items: []value{one}, alt: true}})
}

// latin1 decodes text in ISO 8859-1, as which the standard has it, or in UTF-8,
// which many programs write in its place.
func latin1(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(raw)
	if err != nil {
		return ""
	}
	return string(text)
}
