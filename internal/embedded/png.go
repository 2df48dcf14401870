package embedded

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// walkPNG finds the blocks in the chunks: XMP in iTXt, EXIF in eXIf, and what
// ImageMagick writes as hex ("Raw profile type iptc").
func walkPNG(s *source, b *blocks) error {
	return pngChunks(s, func(kind string, off, length int64) (done bool, err error) {
		switch kind {
		case "iTXt", "zTXt", "tEXt", "eXIf":
			if err := b.takeChunk(s, kind, off, length); err != nil {
				return false, fmt.Errorf("the %s chunk at byte %d: %w", kind, off-pngHead, err)
			}
		}
		return false, nil
	})
}

// pngHead is how many bytes of a chunk stand before what it holds.
const pngHead = 8

// pngChunks visits the chunks before the last, IEND, until one is done; off and
// length are those of what a chunk holds.
func pngChunks(s *source, visit func(kind string, off, length int64) (done bool, err error)) error {
	const signature, crc = 8, 4
	for off := int64(signature); ; {
		h, err := s.peek(off, pngHead)
		if err != nil {
			return err
		}
		length, kind := int64(binary.BigEndian.Uint32(h)), string(h[4:])
		if kind == "IEND" {
			return nil
		}
		if done, err := visit(kind, off+pngHead, length); done || err != nil {
			return err
		}
		off += pngHead + length + crc
	}
}

func (b *blocks) takeChunk(s *source, kind string, off, length int64) error {
	if kind == "eXIf" {
		if !b.want.EXIF || b.exif != nil {
			return nil
		}
		var err error
		b.exif, err = s.block(off, length)
		return err
	}
	// A comment of any size is nothing that we want: its keyword tells.
	const longest = 80
	h, err := s.peek(off, min(length, longest))
	if err != nil {
		return err
	}
	keyword, _, _ := strings.Cut(string(h), "\x00")
	profile, raw := strings.CutPrefix(strings.ToLower(keyword), "raw profile type ")
	if keyword != "XML:com.adobe.xmp" && !(raw && b.wants(profile)) || kind == "iTXt" && !b.want.XMP {
		return nil
	}
	chunk, err := s.block(off, length)
	if err != nil {
		return err
	}
	text, err := pngText(kind, chunk[min(len(chunk), len(keyword)+1):], maxBlock)
	if err != nil {
		return err
	}
	if raw {
		return b.takeProfile(profile, text)
	}
	if b.want.XMP {
		b.addXMP(text)
	}
	return nil
}

// pngText returns the text of a chunk, of which rest is what follows the keyword.
// Expanded it must be no longer than limit.
func pngText(kind string, rest []byte, limit int64) ([]byte, error) {
	compressed := kind == "zTXt"
	switch kind {
	case "iTXt":
		if len(rest) < 2 {
			return nil, errCutShort
		}
		compressed = rest[0] == 1
		parts := bytes.SplitN(rest[2:], []byte{0}, 3) // language, keyword in it, text
		if len(parts) < 3 {
			return nil, errCutShort
		}
		rest = parts[2]
	case "zTXt":
		if len(rest) < 1 {
			return nil, errCutShort
		}
		rest = rest[1:]
	}
	if !compressed {
		return rest, nil
	}
	return inflate(rest, limit)
}

// inflate expands zlib data to no more bytes than limit.
func inflate(data []byte, limit int64) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("it cannot be expanded: %w", err)
	}
	defer z.Close()
	text, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err != nil {
		return nil, fmt.Errorf("it cannot be expanded: %w", err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("expanded it is larger than %d KiB", limit>>10)
	}
	return text, nil
}

func (b *blocks) wants(profile string) bool {
	switch profile {
	case "exif", "app1":
		return b.want.EXIF && b.exif == nil
	case "iptc", "8bim":
		return b.want.IPTC && b.iptc == nil
	case "xmp":
		return b.want.XMP
	}
	return false
}

// takeProfile reads "\niptc\n     123\nHEX".
func (b *blocks) takeProfile(profile string, text []byte) error {
	lines := strings.SplitN(strings.TrimLeft(string(text), "\n"), "\n", 3)
	if len(lines) < 3 {
		return errCutShort
	}
	data, err := hex.DecodeString(strings.NewReplacer("\n", "", " ", "", "\r", "").Replace(lines[2]))
	if err != nil {
		return errors.New("its hex digits are damaged")
	}
	switch {
	case profile == "xmp":
		b.addXMP(data)
	case bytes.HasPrefix(data, []byte("8BIM")):
		return b.readResources(data)
	case bytes.HasPrefix(data, []byte(jpegXMP)):
		return b.takeAPP1(data)
	case profile == "iptc" || profile == "8bim":
		b.iptc = data
	case bytes.HasPrefix(data, []byte(jpegEXIF)):
		return b.takeAPP1(data)
	default:
		b.exif = data
	}
	return nil
}
