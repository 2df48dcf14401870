package manifest

import (
	"path"
	"strings"
	"unicode"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// A content path says where in S3 the content of a federated asset lies. The vendor's
// prose writes s3://bucket/key, its example the key alone. Both are sent as they are
// written: blanks, escapes and doubled slashes may belong to a key.

const s3Scheme = "s3://"

// maxS3Key is the longest key that S3 takes, in bytes.
const maxS3Key = 1024

// contentKey returns the key of a content path, and whether it stands alone.
func contentKey(contentPath string) (key string, bare bool) {
	rest, ok := strings.CutPrefix(contentPath, s3Scheme)
	if !ok {
		return contentPath, true
	}
	_, key, _ = strings.Cut(rest, "/")
	return key, false
}

// contentFault says why a text is no content path; "" for one that is. A key alone
// could be any text: what is plainly something else is not taken for one.
func contentFault(contentPath string) string {
	key, bare := contentKey(contentPath)
	switch {
	case key == "" || strings.HasPrefix(contentPath, s3Scheme+"/"):
		return "it lacks the bucket or the key"
	case strings.HasSuffix(key, "/"):
		return "it names a folder"
	case len(key) > maxS3Key:
		return "S3 has no key of more than 1,024 bytes"
	case strings.ContainsFunc(key, unicode.IsControl):
		return "it holds control characters"
	case !bare:
		return ""
	}
	switch {
	case strings.Contains(key, "://"), strings.HasPrefix(strings.ToLower(key), "arn:"):
		return "it is an address of another kind"
	case strings.HasPrefix(key, "/"), strings.HasPrefix(key, "~"), len(key) > 1 && key[1] == ':', strings.Contains(key, `\`), leadsUp(key):
		return "it is a path on a file system"
	case answers[strings.ToLower(key)]:
		return "it is an answer, not a place"
	}
	return ""
}

// leadsUp reports that a path has parts that only a file system knows.
func leadsUp(key string) bool {
	for part := range strings.SplitSeq(key, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// answers are what people write into a column that they take for a question, or leave
// open.
var answers = map[string]bool{
	"true": true, "yes": true, "y": true, "1": true, "false": true, "no": true, "n": true, "0": true, "x": true,
	"-": true, "?": true, "n/a": true, "na": true, "none": true, "null": true, "nil": true, "tbd": true, "tba": true,
}

// contentName returns the file name of a content path, "" if it has none.
func contentName(contentPath string) string {
	if contentFault(contentPath) != "" {
		return ""
	}
	key, _ := contentKey(contentPath)
	if name := path.Base(key); name != "." && name != ".." && !strings.Contains(name, `\`) {
		return name
	}
	return ""
}

// local says that a key without a bucket is the path of a file which lies in the drop:
// that is ingested as such, and in S3 nothing has its name.
// The row's own file may lie there: it is what the row tells of, or its next version.
func (r Row) local(root *file.Root, dir, file, contentPath string) error {
	key, bare := contentKey(contentPath)
	if contentPath == "" || !bare || path.Join(dir, key) == file {
		return nil
	}
	info, err := root.Lstat(path.Join(dir, key))
	if err != nil || !info.Mode().IsRegular() {
		return nil //nolint:nilerr // nothing is known to lie there
	}
	return r.wrong("%q is a file in the drop, not a content path; name it in the column of the file, and clear this one", metadata.Excerpt(contentPath))
}
