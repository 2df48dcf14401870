package sandbox

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parts of a SigV4 query signature.
const (
	sigAlgorithm = "AWS4-HMAC-SHA256"
	sigTime      = "20060102T150405Z"
	sigRegion    = "us-east-1"
	sigKeyID     = "ASIASANDBOX0KEY00001"
	metaHeader   = "x-amz-meta-objectid"
	maxSkew      = 15 * time.Minute
)

// origin is the scheme and host by which the client came.
func (c links) origin() string {
	if c.r.TLS != nil {
		return "https://" + c.r.Host
	}
	return "http://" + c.r.Host
}

// presign makes the URL of an object in the sandbox's own store.
func (c links) presign(method, key, objectID string, extra map[string]string, life time.Duration) string {
	now := c.s.clock().Add(c.o.SignAhead).UTC()
	seconds := max(1, int64((life+time.Second-1)/time.Second))
	scope := now.Format("20060102") + "/" + sigRegion + "/s3/aws4_request"
	q := url.Values{
		"X-Amz-Algorithm": {sigAlgorithm}, "X-Amz-Credential": {sigKeyID + "/" + scope}, "X-Amz-Date": {now.Format(sigTime)},
		"X-Amz-Expires": {strconv.FormatInt(seconds, 10)}, "X-Amz-SignedHeaders": {"host"},
		"X-Amz-Security-Token": {"IQoJb3JpZ2luX2VjE/" + c.s.credential(now)},
	}
	headers := map[string]string{"host": c.r.Host}
	if objectID != "" && c.o.MetaHeader != "none" {
		q.Set("X-Amz-SignedHeaders", "host;"+metaHeader)
		q.Set(metaHeader, objectID)
		headers[metaHeader] = objectID
	}
	for k, v := range extra {
		q.Set(k, v)
	}
	path := "/" + escapeKey(key)
	q.Set("X-Amz-Signature", c.s.signature(method, path, q, headers))
	return cmp.Or(c.o.HandOut, c.origin()) + path + "?" + awsQuery(q)
}

// credential is the temporary credential's own mark: when it was issued.
func (s *Server) credential(now time.Time) string {
	return strconv.FormatInt(now.UnixNano(), 36) + "+sandbox/temporary=="
}

// signature computes SigV4 over method, path, all query parameters but the
// signature, and the signed headers.
func (s *Server) signature(method, escapedPath string, q url.Values, headers map[string]string) string {
	rest := url.Values{}
	for k, v := range q {
		if k != "X-Amz-Signature" {
			rest[k] = v
		}
	}
	signed := q.Get("X-Amz-SignedHeaders")
	var canonical strings.Builder
	for h := range strings.SplitSeq(signed, ";") {
		fmt.Fprintf(&canonical, "%s:%s\n", h, strings.TrimSpace(headers[h]))
	}
	request := strings.Join([]string{method, escapedPath, awsQuery(rest), canonical.String(), signed, "UNSIGNED-PAYLOAD"}, "\n")
	date := q.Get("X-Amz-Date")
	day, _, _ := strings.Cut(date, "T")
	scope := day + "/" + sigRegion + "/s3/aws4_request"
	digest := sha256.Sum256([]byte(request))
	key := append([]byte("AWS4"), s.key...)
	for _, part := range []string{day, sigRegion, "s3", "aws4_request"} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, sigAlgorithm+"\n"+date+"\n"+scope+"\n"+hex.EncodeToString(digest[:])))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// verify checks the presigned URL of a request to the store. It returns what S3
// answers when something is wrong, and nil when nothing is.
func (c contents) verify() *s3Error {
	q := c.r.URL.Query()
	if e := c.refuseHeaders(strings.Split(q.Get("X-Amz-SignedHeaders"), ";")); e != nil {
		return e
	}
	for _, k := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		if !q.Has(k) {
			return &s3Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
		}
	}
	issued, err := time.Parse(sigTime, q.Get("X-Amz-Date"))
	seconds, err2 := strconv.ParseInt(q.Get("X-Amz-Expires"), 10, 64)
	if err != nil || err2 != nil || seconds < 1 || seconds > 604800 || q.Get("X-Amz-Algorithm") != sigAlgorithm {
		return &s3Error{http.StatusBadRequest, "AuthorizationQueryParametersError", "Query-string authentication version 4 requires valid X-Amz parameters."}
	}
	now := c.s.clock().Add(c.o.StoreAhead)
	if issued.Sub(now) > maxSkew {
		return &s3Error{http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."}
	}
	if now.After(issued.Add(time.Duration(seconds) * time.Second)) {
		return &s3Error{http.StatusForbidden, "AccessDenied", "Request has expired"}
	}
	if c.o.CredentialLife > 0 && now.After(issued.Add(c.o.CredentialLife)) {
		return &s3Error{http.StatusBadRequest, "ExpiredToken", "The provided token has expired."}
	}
	headers := map[string]string{}
	for h := range strings.SplitSeq(q.Get("X-Amz-SignedHeaders"), ";") {
		headers[h] = c.r.Header.Get(h)
		if h == "host" {
			headers[h] = c.r.Host
		}
		if h == metaHeader && c.o.MetaHeader != "required" && c.r.Header.Get(h) == "" {
			headers[h] = q.Get(metaHeader)
		}
	}
	want := c.s.signature(c.r.Method, "/"+escapeKey(c.r.URL.Path[1:]), q, headers)
	if !equal(want, q.Get("X-Amz-Signature")) {
		return &s3Error{http.StatusForbidden, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you provided. Check your key and signing method."}
	}
	return nil
}

// refuseHeaders refuses headers that have no business at the store.
func (c contents) refuseHeaders(signed []string) *s3Error {
	for h := range c.r.Header {
		name := strings.ToLower(h)
		if slices.Contains(signed, name) {
			continue
		}
		if isCredential(h) {
			c.violate("API credential sent to the content store", "header %s", h)
		} else if strings.HasPrefix(name, "x-amz-") {
			c.violate("unsigned x-amz header sent to the content store", "header %s", h)
		} else {
			continue
		}
		return &s3Error{http.StatusForbidden, "AccessDenied", "There were headers present in the request which were not signed"}
	}
	return nil
}

// awsQuery encodes a query as SigV4 has it: sorted, a space as %20.
func awsQuery(q url.Values) string { return strings.ReplaceAll(q.Encode(), "+", "%20") }

// escapeKey escapes an object key as S3 does: all but unreserved bytes and "/".
func escapeKey(key string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(key) {
		switch x := key[i]; {
		case 'a' <= x && x <= 'z', 'A' <= x && x <= 'Z', '0' <= x && x <= '9', strings.IndexByte("-._~/", x) >= 0:
			b.WriteByte(x)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[x>>4])
			b.WriteByte(hexDigits[x&15])
		}
	}
	return b.String()
}
