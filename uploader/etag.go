package uploader

import (
	"crypto/md5"
	"encoding/hex"
	"regexp"
	"strings"
)

// recoded is what proxies add to an ETag when they compress replies: Apache "-gzip",
// older ones ";gzip", Jetty "--gzip".
var recoded = regexp.MustCompile(`(?i)(--?|;|:)(gzip|deflate|br|zstd)"?$`)

// StrongETag is an ETag as the store knows it, of one that came through a proxy: without
// the mark of a weak one (W/) and without the name of a compression. Only so can it be
// compared with an MD5, and is it known when an upload is completed.
func StrongETag(etag string) string {
	etag = strings.TrimSpace(etag)
	if len(etag) > 1 && (etag[0] == 'W' || etag[0] == 'w') && etag[1] == '/' {
		etag = strings.TrimSpace(etag[2:])
	}
	bare := recoded.ReplaceAllString(etag, "")
	if len(bare) < len(etag) && strings.HasSuffix(etag, `"`) {
		bare += `"`
	}
	return bare
}

// AsMD5 returns the MD5 that an ETag has the shape of.
func AsMD5(etag string) ([]byte, bool) {
	sum, err := hex.DecodeString(strings.Trim(StrongETag(etag), `"`))
	return sum, err == nil && len(sum) == md5.Size
}
