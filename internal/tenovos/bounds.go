package tenovos

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/dustin/go-humanize"
)

// What the other side may send is bounded by what each call can need, so that no
// reply, whoever wrote it, costs much memory or time. Compressed replies count as
// what they unpack to.
const (
	maxWordsReply = 1 << 20  // an acknowledgement, a session, a user, a link
	maxAssetReply = 16 << 20 // an asset with its metadata, its versions, a page of a search
	maxNamesReply = 32 << 20 // all templates, or all vocabularies with their values
	maxErrorReply = 64 << 10 // what is read of a refusal

	// A create is answered with a signed URL for each part. They have about 2.5 KiB;
	// the smallest part that the documents name has 100 MB.
	maxCreateReply = 4 << 20
	maxURLReply    = 8 << 10
	smallestPart   = 100_000_000

	// maxHeaders bounds the headers of a reply.
	maxHeaders = 64 << 10
	// maxDepth is how many objects and lists of a reply may lie within each other. The
	// documents show about a dozen.
	maxDepth = 32
)

// errDeep is a reply in which too much lies within each other to be read.
var errDeep = fmt.Errorf("its objects and lists lie within each other more than %d deep", maxDepth)

// createLimit bounds the reply to the create of an asset of size bytes.
func createLimit(size int64) int64 {
	return maxCreateReply + maxURLReply*(max(size, 0)/smallestPart+1)
}

// readReply reads a reply. Of a refusal it takes the beginning; another that is longer
// than limit is an error.
func readReply(resp *http.Response, limit int64) ([]byte, error) {
	refused := resp.StatusCode < 200 || resp.StatusCode > 299
	if refused {
		limit = maxErrorReply
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case int64(len(body)) <= limit && err != nil:
		return nil, fmt.Errorf("the reply broke off: %w", err)
	case int64(len(body)) <= limit:
		return body, nil
	case refused:
		return body[:limit], nil
	}
	return nil, errors.New("the reply is larger than " + humanize.IBytes(uint64(limit)) + ", which this call cannot need")
}

// deep reports whether more than maxDepth objects and lists of a JSON text lie within
// each other. Each place that decodes one within another reads it again, so that depth
// is what a reply's cost grows with.
func deep(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
