package uploader

import (
	"fmt"
	"slices"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// What the content store allows, and the two part sizes that the API's documents
// name for what they call 100 MB.
const (
	maxParts    = 10_000
	maxSingle   = 5 << 30     // bytes in one PUT
	partSizeMiB = 100 << 20   // bytes; the vendor's sample code
	partSizeMB  = 100_000_000 // bytes; the vendor's prose, read literally
)

// URL is one presigned URL as the API handed it out.
type URL struct {
	Number int // 1-based part number; 0 in every URL if the API numbered none
	URL    secret.URL
}

// Part is a range of the file and the URL that it goes to.
type Part struct {
	Number int   // 1-based
	Offset int64 // bytes from the start of the file
	Size   int64 // bytes; 0 only for the one part of an empty file
	URL    secret.URL
	Handed time.Time // when the URL was handed out, by this host's clock; zero if unknown
}

// Plan decides which bytes of a file of size bytes go to which URL. It is pure.
//
// One URL takes the whole file, up to 5 GiB. Of several, each takes 100 MiB where
// that makes as many parts as there are URLs, else 100 MB where that does. URLs
// may come in any order if they are numbered, and are taken as they stand if
// none is. Anything else is ErrPlan: a part size is never invented, for a wrong
// guess would make a file of the right length and the wrong content.
//
// The parts are in order, without gap or overlap, and cover the file exactly.
func Plan(size int64, urls []URL) ([]Part, error) {
	switch {
	case size < 0:
		return nil, fmt.Errorf("%w: a size of %d bytes", ErrPlan, size)
	case len(urls) == 0:
		return nil, fmt.Errorf("%w: the API returned none", ErrPlan)
	case len(urls) > maxParts:
		return nil, fmt.Errorf("%w: %d parts, and a content store takes %d at most", ErrPlan, len(urls), maxParts)
	}
	ordered, err := inOrder(urls)
	if err != nil {
		return nil, err
	}
	partSize, err := partSize(size, len(urls))
	if err != nil {
		return nil, err
	}
	parts := make([]Part, len(ordered))
	for i, u := range ordered {
		offset := int64(i) * partSize
		parts[i] = Part{Number: i + 1, Offset: offset, Size: min(partSize, size-offset), URL: u}
	}
	return parts, nil
}

// inOrder returns the URLs by part number.
func inOrder(urls []URL) ([]secret.URL, error) {
	numbered := slices.ContainsFunc(urls, func(u URL) bool { return u.Number != 0 })
	ordered := make([]secret.URL, len(urls))
	for i, u := range urls {
		n := u.Number
		if !numbered {
			n = i + 1
		}
		switch {
		case u.URL == "":
			return nil, fmt.Errorf("%w: the one for part %d is empty", ErrPlan, n)
		case n < 1 || n > len(urls):
			return nil, fmt.Errorf("%w: part number %d among %d parts", ErrPlan, n, len(urls))
		case ordered[n-1] != "":
			return nil, fmt.Errorf("%w: two for part %d", ErrPlan, n)
		}
		ordered[n-1] = u.URL
	}
	return ordered, nil
}

// partSize returns the size of each part but the last.
func partSize(size int64, n int) (int64, error) {
	if n == 1 {
		if size > maxSingle {
			return 0, fmt.Errorf("%w: one URL for %d bytes, and a single part takes %d at most", ErrPlan, size, int64(maxSingle))
		}
		return size, nil
	}
	for _, s := range []int64{partSizeMiB, partSizeMB} {
		if count(size, s) == int64(n) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%w: %d URLs for %d bytes, which are %d parts of 100 MiB or %d of 100 MB",
		ErrPlan, n, size, count(size, partSizeMiB), count(size, partSizeMB))
}

// count is how many parts of size each hold total bytes.
func count(total, each int64) int64 {
	n := total / each
	if total%each != 0 {
		n++
	}
	return n
}
