package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/charset"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// The names of what is told of every picture.
const (
	imageWidth  = "Width"
	imageHeight = "Height"
)

// imageSize is a picture's size in pixels as it is stored: neither EXIF's
// Orientation nor the rotation of a HEIF is applied to it. Its zero value is not known.
type imageSize struct{ width, height int64 }

func (z imageSize) known() bool { return z.width > 0 && z.height > 0 }

// emitImage tells the size of a picture. The width of one whose height is not
// known says nothing.
func emitImage(c *metadata.Bounded, s *source, head []byte, _ []string) error {
	size, err := sizeOf(s, head)
	if err != nil || !size.known() {
		return err
	}
	const origin = "the size of the picture"
	c.Add(ImagePrefix+imageWidth, origin, strconv.FormatInt(size.width, 10))
	c.Add(ImagePrefix+imageHeight, origin, strconv.FormatInt(size.height, 10))
	return nil
}

// sizeOf returns the size of a picture, none for a file of any other format.
func sizeOf(s *source, head []byte) (imageSize, error) {
	for _, f := range fixedSizes {
		if hasPrefix(head, f.magic) {
			return f.read(head)
		}
	}
	switch {
	case hasPrefix(head, "\xFF\xD8\xFF"):
		return jpegSize(s)
	case hasPrefix(head, "\x89PNG\r\n\x1A\n"):
		return pngSize(s)
	case hasPrefix(head, tiffMagics...):
		return tiffSize(s)
	case hasPrefix(head, "RIFF") && len(head) > 8 && hasPrefix(head[8:], "WEBP"):
		return webpSize(s)
	case isBMFF(head):
		return bmffSize(s)
	case hasPrefix(head, "\xFF\x4F\xFF\x51"):
		return j2kSize(head)
	case hasPrefix(head, "\xFF\x0A"):
		return jxlSize(head[2:])
	case hasPrefix(head, rafMagic):
		return rafSize(s)
	case hasPrefix(head, minoltaMagic):
		return mrwSize(s)
	case hasPrefix(head, sigmaMagic):
		return x3fSize(head)
	case hasPrefix(head, "BM"):
		return bmpSize(head), nil
	case hasPrefix(head, "\x76\x2F\x31\x01"):
		return exrSize(s)
	case hasPrefix(head, "#?RADIANCE", "#?RGBE"):
		return hdrSize(head), nil
	case len(head) > 2 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7':
		return pnmSize(head), nil
	case hasPrefix(head, "\x00\x00\x01\x00"):
		return icoSize(head), nil
	case len(head) >= 128 && head[0] == 0x0A && head[1] <= 5 && head[2] <= 1:
		return pcxSize(head), nil
	case hasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, []byte(charset.MarkUTF8)), " \t\r\n"), "<", "\xFF\xFE<", "\xFE\xFF\x00<", "\x1F\x8B"):
		return svgSize(s)
	}
	return tgaSize(s, head)
}

// fixedSize is a format that has its size at a fixed place.
type fixedSize struct {
	magic         string
	order         binary.ByteOrder
	width, height int // where they are
	bytes         int // of either
}

var fixedSizes = []fixedSize{
	{"GIF87a", binary.LittleEndian, 6, 8, 2},
	{"GIF89a", binary.LittleEndian, 6, 8, 2},
	{"8BPS", binary.BigEndian, 18, 14, 4},
	{"\x8AMNG\r\n\x1A\n", binary.BigEndian, 16, 20, 4},
	{"\x8BJNG\r\n\x1A\n", binary.BigEndian, 16, 20, 4},
	{"SDPX", binary.BigEndian, 0x304, 0x308, 4},
	{"XPDS", binary.LittleEndian, 0x304, 0x308, 4},
	{"gimp xcf ", binary.BigEndian, 14, 18, 4},
	{"\x01\xDA\x00\x01", binary.BigEndian, 6, 8, 2},
	{"\x01\xDA\x01\x01", binary.BigEndian, 6, 8, 2},
	{"\x01\xDA\x00\x02", binary.BigEndian, 6, 8, 2}, // 16 bits a channel
	{"\x01\xDA\x01\x02", binary.BigEndian, 6, 8, 2},
	{"qoif", binary.BigEndian, 4, 8, 4},
	{"DDS |\x00\x00\x00", binary.LittleEndian, 16, 12, 4},
}

func (f fixedSize) read(head []byte) (imageSize, error) {
	number := func(at int) int64 {
		if f.bytes == 2 {
			return int64(f.order.Uint16(head[at:]))
		}
		return int64(f.order.Uint32(head[at:]))
	}
	if len(head) < max(f.width, f.height)+f.bytes {
		return imageSize{}, errCutShort
	}
	return imageSize{number(f.width), number(f.height)}, nil
}

// jpegSize reads the header of the frame.
func jpegSize(s *source) (size imageSize, err error) {
	err = jpegSegments(s, func(marker byte, off, length int64) (bool, error) {
		if marker < 0xC0 || marker > 0xCF || marker == 0xC4 || marker == 0xC8 || marker == 0xCC {
			return false, nil
		}
		h, err := s.peek(off, 5)
		if err == nil {
			size = imageSize{int64(binary.BigEndian.Uint16(h[3:])), int64(binary.BigEndian.Uint16(h[1:]))}
		}
		return true, err
	})
	return size, err
}

// pngSize reads the header, before which Apple's programs set a chunk of their own.
func pngSize(s *source) (size imageSize, err error) {
	err = pngChunks(s, func(kind string, off, length int64) (bool, error) {
		if kind != "IHDR" {
			return false, nil
		}
		h, err := s.peek(off, 8)
		if err == nil {
			size = imageSize{int64(binary.BigEndian.Uint32(h)), int64(binary.BigEndian.Uint32(h[4:]))}
		}
		return true, err
	})
	return size, err
}

// webpSize reads the first chunk: of an extended file the canvas, else the picture.
func webpSize(s *source) (size imageSize, err error) {
	err = riffChunks(s, func(kind string, off, length int64) (bool, error) {
		h, err := s.peek(off, 10)
		if err != nil {
			return true, err
		}
		little := binary.LittleEndian
		switch {
		case kind == "VP8X":
			three := func(b []byte) int64 { return int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16 }
			size = imageSize{1 + three(h[4:]), 1 + three(h[7:])}
		case kind == "VP8L" && h[0] == 0x2F:
			bits := little.Uint32(h[1:])
			size = imageSize{1 + int64(bits&0x3FFF), 1 + int64(bits>>14&0x3FFF)}
		case kind == "VP8 " && hasPrefix(h[3:], "\x9D\x01\x2A"):
			size = imageSize{int64(little.Uint16(h[6:]) & 0x3FFF), int64(little.Uint16(h[8:]) & 0x3FFF)}
		}
		return true, nil
	})
	return size, err
}

// bmpSize reads a bitmap of Windows or of OS/2. A picture that begins at its top has
// a negative height.
func bmpSize(head []byte) imageSize {
	if len(head) < 26 {
		return imageSize{}
	}
	little := binary.LittleEndian
	switch size := little.Uint32(head[14:]); {
	case size == 12:
		return imageSize{int64(little.Uint16(head[18:])), int64(little.Uint16(head[20:]))}
	case size == 16 || size >= 40 && size <= 124:
		height := int64(int32(little.Uint32(head[22:])))
		return imageSize{int64(int32(little.Uint32(head[18:]))), max(height, -height)}
	}
	return imageSize{}
}

// icoSize returns the size of the largest icon; its 0 means 256.
func icoSize(head []byte) (size imageSize) {
	const header, entry = 6, 16
	if len(head) < header {
		return size
	}
	count := int(binary.LittleEndian.Uint16(head[4:]))
	for icons := head[header:]; count > 0 && len(icons) >= entry; count, icons = count-1, icons[entry:] {
		if icons[3] != 0 {
			return imageSize{} // it is no icon
		}
		side := func(b byte) int64 { return int64(b-1) + 1 }
		if one := (imageSize{side(icons[0]), side(icons[1])}); one.width*one.height > size.width*size.height {
			size = one
		}
	}
	return size
}

// pcxSize reads the window of a picture of PC Paintbrush, whose magic number is
// short: the planes and their bytes must fit the width as well.
func pcxSize(head []byte) imageSize {
	at := func(i int) int64 { return int64(binary.LittleEndian.Uint16(head[i:])) }
	size := imageSize{at(8) - at(4) + 1, at(10) - at(6) + 1}
	if planes := head[65]; head[64] != 0 || planes < 1 || planes > 4 {
		return imageSize{}
	}
	if bits := int64(head[3]); bits == 0 || bits > 8 || bits&(bits-1) != 0 || at(66)*8 < size.width*bits {
		return imageSize{}
	}
	return size
}

// exrSize reads the header of an OpenEXR: the window of the picture's data.
func exrSize(s *source) (imageSize, error) {
	const longest = 256 // of a name
	for off := int64(8); ; {
		h, err := s.peek(off, min(2*longest+4, peekSize, s.size-off))
		if err != nil {
			return imageSize{}, err
		}
		name, rest, _ := bytes.Cut(h, []byte{0})
		kind, rest, ok := bytes.Cut(rest, []byte{0})
		if len(name) == 0 {
			return imageSize{}, errors.New("its header tells no size")
		}
		if !ok || len(rest) < 4 {
			return imageSize{}, errCutShort
		}
		length := int64(binary.LittleEndian.Uint32(rest))
		off += int64(len(name) + len(kind) + 2 + 4)
		if string(name) == "dataWindow" && string(kind) == "box2i" {
			if h, err = s.peek(off, 16); err != nil {
				return imageSize{}, err
			}
			at := func(i int) int64 { return int64(int32(binary.LittleEndian.Uint32(h[4*i:]))) }
			return imageSize{at(2) - at(0) + 1, at(3) - at(1) + 1}, nil
		}
		off += length
	}
}

// hdrSize reads "-Y 512 +X 768" behind the header of a Radiance picture.
func hdrSize(head []byte) imageSize {
	_, rest, ok := bytes.Cut(head, []byte("\n\n"))
	line, _, whole := bytes.Cut(rest, []byte("\n"))
	var y, x string
	var height, width int64
	if n, _ := fmt.Sscanf(string(line), "%2s %d %2s %d", &y, &height, &x, &width); !ok || !whole || n != 4 {
		return imageSize{}
	}
	if strings.HasSuffix(y, "X") {
		width, height = height, width
	}
	return imageSize{width, height}
}

// pnmSize reads the header of a portable pixmap and its like.
func pnmSize(head []byte) imageSize {
	var numbers []int64
	if rest, ok := bytes.CutPrefix(head, []byte("P7\n")); ok {
		size := imageSize{}
		for line := range bytes.Lines(rest) {
			word, number, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
			n, _ := strconv.ParseInt(string(number), 10, 32)
			switch string(word) {
			case "WIDTH":
				size.width = n
			case "HEIGHT":
				size.height = n
			case "ENDHDR":
				return size
			}
		}
		return imageSize{}
	}
	if !strings.ContainsRune(" \t\r\n", rune(head[2])) {
		return imageSize{}
	}
	for line := range bytes.Lines(head[2:]) {
		if !bytes.HasSuffix(line, []byte("\n")) && len(head) == headSize {
			break // a number may go on
		}
		line, _, _ = bytes.Cut(line, []byte("#"))
		for word := range bytes.FieldsSeq(line) {
			n, err := strconv.ParseInt(string(word), 10, 32)
			if err != nil {
				return imageSize{}
			}
			if numbers = append(numbers, n); len(numbers) == 2 {
				return imageSize{numbers[0], numbers[1]}
			}
		}
	}
	return imageSize{}
}

// tgaSize reads a Targa, which is told by its last bytes only.
func tgaSize(s *source, head []byte) (imageSize, error) {
	const footer = "TRUEVISION-XFILE.\x00"
	if s.size < int64(18+len(footer)) || len(head) < 18 || head[1] > 1 || head[2] > 32 {
		return imageSize{}, nil
	}
	end, err := s.block(s.size-int64(len(footer)), int64(len(footer)))
	if err != nil || string(end) != footer {
		return imageSize{}, err
	}
	return imageSize{int64(binary.LittleEndian.Uint16(head[12:])), int64(binary.LittleEndian.Uint16(head[14:]))}, nil
}
