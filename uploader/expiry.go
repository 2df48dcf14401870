package uploader

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// Expiry returns when a presigned URL dies by its own dates, X-Amz-Date plus
// X-Amz-Expires. It is false when they are absent or make no sense. A URL that
// was signed with temporary credentials may die earlier.
func Expiry(u secret.URL) (time.Time, bool) {
	q, ok := query(u)
	if !ok {
		return time.Time{}, false
	}
	signed, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	if err != nil {
		return time.Time{}, false
	}
	// 32 bits of seconds are 136 years and fit a Duration.
	life, err := strconv.ParseUint(q.Get("X-Amz-Expires"), 10, 32)
	if err != nil {
		return time.Time{}, false
	}
	return signed.Add(time.Duration(life) * time.Second), true
}

// objectIDHeader is the one header that the API's URLs may have signed, with
// its value in the query.
const objectIDHeader = "x-amz-meta-objectid"

// signedObjectID returns the value for objectIDHeader if the signature covers
// that header.
func signedObjectID(u secret.URL) (string, bool) {
	q, ok := query(u)
	if !ok || !slices.Contains(strings.Split(q.Get("X-Amz-SignedHeaders"), ";"), objectIDHeader) {
		return "", false
	}
	return q.Get(objectIDHeader), q.Has(objectIDHeader)
}

func query(u secret.URL) (url.Values, bool) {
	parsed, err := url.Parse(u.Reveal())
	if err != nil {
		return nil, false
	}
	return parsed.Query(), true
}
