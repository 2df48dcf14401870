package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// The bounds of a PNG's words.
const (
	maxWords  = 1 << 20 // bytes of all texts
	maxTexts  = 2_000   // chunks of text
	maxDamage = 100     // chunks that cannot be read, after which no more are
)

// pngWord is what a PNG tells under one keyword, as often as it says it.
type pngWord struct {
	keyword, key string
	value        xmp.Value
}

// emitPNG tells the texts of a PNG by their keywords (png.Title), also without the
// spaces of a keyword (png.CreationTime), and when the picture was changed last
// (png.ModifyDate). XMP and the profiles that ImageMagick writes as text are told
// elsewhere.
func emitPNG(c *metadata.Bounded, s *source, head []byte, langs []string) error {
	if !hasPrefix(head, "\x89PNG\r\n\x1A\n", "\x8BJNG\r\n\x1A\n", "\x8AMNG\r\n\x1A\n") {
		return nil
	}
	words := pngWords{left: maxWords}
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
		origin := "the PNG text " + w.keyword
		xmp.EmitValue(c, PNGPrefix+w.keyword, origin, langs, w.value)
		if short := strings.ReplaceAll(w.keyword, " ", ""); short != w.keyword {
			xmp.EmitValue(c, PNGPrefix+short, origin, langs, w.value)
		}
	}
	if words.time != "" {
		c.Add(PNGPrefix+"ModifyDate", "the PNG's time of its last change", words.time)
	}
	if err != nil {
		damage = append(damage, err)
	}
	return damageError(damage)
}

type pngWords struct {
	all  []pngWord
	time string
	left int // bytes of text that are kept
	read int // chunks of text
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
	keyword := metadata.OneLine(latin1(name))
	if keyword == "XML:com.adobe.xmp" || strings.HasPrefix(strings.ToLower(keyword), "raw profile type ") || keyword == "" {
		return nil
	}
	if w.read++; w.read > maxTexts {
		w.left = -1
		return fmt.Errorf("there are more than %d texts", maxTexts)
	}
	const slack = 1 << 10 // for the keyword and the language
	if length > metadata.MaxValue+slack {
		return fmt.Errorf("it is longer than %d KiB", (metadata.MaxValue+slack)>>10)
	}
	chunk, err := s.block(off, length)
	if err != nil {
		return err
	}
	rest := chunk[len(name)+1:]
	raw, err := pngText(kind, rest, metadata.MaxValue)
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
		lang = strings.ToLower(metadata.Clean(string(tag)))
	}
	text = metadata.Lines(text)
	if strings.EqualFold(strings.ReplaceAll(keyword, " ", ""), "CreationTime") {
		text = timeOf(text)
	}
	w.add(keyword, xmp.Value{Text: text, Lang: lang})
	return nil
}

// add notes one more text of a keyword. Texts that tell their language are one text
// in several languages, any others are a list.
func (w *pngWords) add(keyword string, one xmp.Value) {
	key := metadata.Key(keyword)
	for i := range w.all {
		if old := &w.all[i]; old.key == key {
			old.value.Items = append(old.value.Items, one)
			return
		}
	}
	w.all = append(w.all, pngWord{keyword, key, xmp.Value{Items: []xmp.Value{one}, Alt: true}})
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
