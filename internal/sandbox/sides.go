package sandbox

import (
	"strconv"
	"strings"
)

// Points in which the vendor's pages contradict each other about replies and about
// federated assets. Each knob takes one of the sides.

// tellSize puts a size in bytes into a reply under the names that the knob gives it;
// a negative one is not known.
func (c assets) tellSize(m map[string]any, bytes int64) {
	var n any = bytes
	if c.o.NumbersAsText {
		n = strconv.FormatInt(bytes, 10)
	}
	switch {
	case bytes < 0:
	case c.o.SizeReply == "fileSize":
		m["fileSize"] = n
	case c.o.SizeReply == "filesize":
		m["filesize"] = n
	case c.o.SizeReply == "both":
		m["filesize"], m["fileSize"] = n, displaySize(bytes)
	}
}

// takesContentPath reports whether a create may name the content of a federated asset
// so; "" is no federated one.
func (o Options) takesContentPath(path string) bool {
	switch {
	case path == "":
		return true
	case o.ContentPathForm == "url":
		return s3Key(path) != path
	case o.ContentPathForm == "key":
		return !strings.Contains(path, "://")
	}
	return true
}

// tellContentPath puts where the content of a federated asset lies into a reply.
func (c assets) tellContentPath(m map[string]any, a *Asset) {
	switch {
	case a.FederatedPath == "":
	case c.o.ContentPathReply == "sent":
		m["contentPath"] = a.FederatedPath
	case c.o.ContentPathReply == "key":
		m["contentPath"] = s3Key(a.FederatedPath)
	}
}

// s3Key is the key of s3://bucket/key, and anything else as it is.
func s3Key(path string) string {
	rest, ok := strings.CutPrefix(path, "s3://")
	if _, key, _ := strings.Cut(rest, "/"); ok && key != "" {
		return key
	}
	return path
}
