package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// emitIPTC turns the datasets of IIM, records 1 and 2, into facts with
// ExifTool's names. Repeated datasets are one fact with several values. Text is UTF-8 where the
// block says so (ESC % G) or where it is valid UTF-8, else Windows-1252.
//
// Of a damaged block the datasets before the damage are facts, and the error says
// what it is.
func emitIPTC(c *metadata.Bounded, block []byte) error {
	sets, err := datasets(block)
	utf8Said := false
	values := map[string][]string{}
	var names []string // in the order of the block
	for _, set := range sets {
		if set.record == 1 && set.number == 90 {
			utf8Said = string(set.data) == "\x1B%G"
			continue
		}
		field, known := iptcFields[[2]byte{set.record, set.number}]
		if !known {
			continue
		}
		if _, met := values[field.name]; !met {
			names = append(names, field.name)
		}
		values[field.name] = append(values[field.name], field.text(set.data, utf8Said))
	}
	for _, name := range names {
		c.Add(IPTCPrefix+name, "the IPTC field "+name, values[name]...)
	}
	return err
}

type dataset struct {
	record, number byte
	data           []byte
}

// datasets takes a block to pieces. Zeros may pad its end.
func datasets(block []byte) ([]dataset, error) {
	const header = 5
	var sets []dataset
	for len(block) > 0 {
		if block[0] != 0x1C {
			if strings.Trim(string(block), "\x00") == "" {
				return sets, nil
			}
			return sets, errors.New("a dataset does not begin where the one before it ends")
		}
		if len(block) < header {
			return sets, errCutShort
		}
		record, number := block[1], block[2]
		length := uint64(binary.BigEndian.Uint16(block[3:]))
		block = block[header:]
		if length >= 0x8000 { // the length of the length
			wide := length & 0x7FFF
			if wide > 8 || wide > uint64(len(block)) {
				return sets, errCutShort
			}
			var eight [8]byte
			copy(eight[8-wide:], block[:wide])
			length, block = binary.BigEndian.Uint64(eight[:]), block[wide:]
		}
		if length > uint64(len(block)) {
			return sets, fmt.Errorf("dataset %d:%d is cut short", record, number)
		}
		sets = append(sets, dataset{record, number, block[:length]})
		block = block[length:]
	}
	return sets, nil
}

// iptcField is what is known of a dataset.
type iptcField struct {
	name string
	form iptcForm
}

type iptcForm int

const (
	iptcText   iptcForm = iota
	iptcNumber          // two bytes
	iptcDay             // 20060102
	iptcTime            // 150405-0700
)

func (f iptcField) text(data []byte, utf8Said bool) string {
	if f.form == iptcNumber {
		if len(data) != 2 {
			return ""
		}
		return fmt.Sprint(binary.BigEndian.Uint16(data))
	}
	text := string(data)
	if !utf8Said && !utf8.ValidString(text) {
		// Windows-1252 has a character for any byte; it never fails.
		text, _ = charmap.Windows1252.NewDecoder().String(text)
	}
	text = metadata.Lines(text)
	switch f.form {
	case iptcDay:
		return iptcDate(text)
	case iptcTime:
		return iptcClock(text)
	}
	return text
}

// iptcDate writes 20060102 as 2006-01-02; a month or day of 00 is not known. Text
// that is no date stays as it is.
func iptcDate(text string) string {
	known := text
	if len(text) == len("20060102") {
		known = strings.TrimSuffix(text, "00")
		if len(known) == len("200601") {
			known = strings.TrimSuffix(known, "00")
		}
	}
	for _, layout := range [][2]string{{"20060102", "2006-01-02"}, {"200601", "2006-01"}, {"2006", "2006"}} {
		if day, err := time.Parse(layout[0], known); err == nil {
			if day.Year() == 0 {
				return ""
			}
			return day.Format(layout[1])
		}
	}
	return text
}

// iptcClock writes 150405+0200 as 15:04:05+02:00, the offset where there is one.
func iptcClock(text string) string {
	for _, layout := range [][2]string{{"150405-0700", "15:04:05.999999999-07:00"}, {"150405", "15:04:05.999999999"}} {
		if at, err := time.Parse(layout[0], text); err == nil {
			return at.Format(layout[1])
		}
	}
	return text
}
