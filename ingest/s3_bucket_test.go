package ingest_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// bucket is a bucket of a real S3 server, whose URLs the sandbox hands out in
// place of its own. It signs with nothing but the standard library, so that a
// mistake cannot cancel out with one that the sandbox makes.
type bucket struct {
	endpoint      *url.URL
	name          string
	keyID, secret string
	http          *http.Client

	// Knobs of the URLs for PUTs.
	age        func(part int) time.Duration // how long ago they were signed; a single PUT is part 0
	signHeader bool                         // the signature covers the header x-amz-meta-objectid
}

var _ sandbox.StoreSigner = (*bucket)(nil)

// newBucket makes a bucket on the server that the environment names, and skips
// the test when it names none. The bucket goes with the test.
func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := makeBucket(t)
	t.Cleanup(func() { b.remove(t) })
	return b
}

// makeBucket is newBucket for who removes it before the test ends.
func makeBucket(t testing.TB) *bucket {
	t.Helper()
	address := os.Getenv("INGESTD_S3")
	if address == "" {
		t.Skip("INGESTD_S3 names no S3 server; `make test-s3` starts one")
	}
	endpoint, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	b := &bucket{
		endpoint: endpoint, name: "ingestd-" + strings.ToLower(rand.Text()),
		keyID: os.Getenv("INGESTD_S3_KEY"), secret: os.Getenv("INGESTD_S3_SECRET"),
		http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 8}},
		age:  func(int) time.Duration { return 0 },
	}
	if _, err := b.call(t.Context(), http.MethodPut, "", nil, nil); err != nil {
		t.Fatalf("make a bucket at %s: %v", address, err)
	}
	return b
}

// remove empties and removes the bucket. The test's context may have ended by then.
func (b *bucket) remove(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	for _, u := range b.openUploads(t) {
		if err := b.AbortUpload(ctx, u.Key, u.UploadID); err != nil {
			t.Error(err)
		}
	}
	var g errgroup.Group
	g.SetLimit(8) // a benchmark leaves thousands
	for _, o := range b.objects(t) {
		g.Go(func() error {
			_, err := b.call(ctx, http.MethodDelete, o.Key, nil, nil)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := b.call(ctx, http.MethodDelete, "", nil, nil); err != nil {
		t.Error(err)
	}
	b.http.CloseIdleConnections()
}

// escapePath escapes as SigV4 wants it: everything but unreserved bytes and "/".
var escapePath = strings.NewReplacer("+", "%20", "%2F", "/")

// presign signs a request of the bucket, or of an object in it, with SigV4 in the
// query. headers are signed besides the host's.
func (b *bucket) presign(method, key string, query url.Values, headers http.Header, at time.Time, life time.Duration) string {
	path := "/" + b.name
	if key != "" {
		path += "/" + escapePath.Replace(url.QueryEscape(key))
	}
	const algorithm, region = "AWS4-HMAC-SHA256", "us-east-1"
	at = at.UTC()
	day, stamp := at.Format("20060102"), at.Format("20060102T150405Z")
	scope := day + "/" + region + "/s3/aws4_request"
	signed, lines := "host", "host:"+b.endpoint.Host+"\n"
	for name := range headers { // the tests have one at most, so there is nothing to sort
		signed += ";" + strings.ToLower(name)
		lines += strings.ToLower(name) + ":" + headers.Get(name) + "\n"
	}
	q := url.Values{
		"X-Amz-Algorithm": {algorithm}, "X-Amz-Credential": {b.keyID + "/" + scope}, "X-Amz-Date": {stamp},
		"X-Amz-Expires": {strconv.Itoa(int(life.Seconds()))}, "X-Amz-SignedHeaders": {signed},
	}
	maps.Copy(q, query)
	canonical := strings.ReplaceAll(q.Encode(), "+", "%20")
	request := sha256.Sum256([]byte(strings.Join([]string{method, path, canonical, lines, signed, "UNSIGNED-PAYLOAD"}, "\n")))
	sum := []byte("AWS4" + b.secret) // the key of the next step, in the end the signature
	for _, s := range []string{day, region, "s3", "aws4_request", algorithm + "\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(request[:])} {
		mac := hmac.New(sha256.New, sum)
		mac.Write([]byte(s))
		sum = mac.Sum(nil)
	}
	return b.endpoint.Scheme + "://" + b.endpoint.Host + path + "?" + canonical + "&X-Amz-Signature=" + hex.EncodeToString(sum)
}

// presignPut signs a URL for content as the platform does: its own id of the
// object stands in the query, or must come as a header that is signed too.
func (b *bucket) presignPut(key, objectID string, part int, query url.Values, life time.Duration) string {
	query.Set("x-amz-meta-objectid", objectID)
	headers := http.Header{}
	if b.signHeader {
		headers.Set("x-amz-meta-objectid", objectID)
	}
	return b.presign(http.MethodPut, key, query, headers, time.Now().Add(-b.age(part)), life)
}

func (b *bucket) PresignPut(_ context.Context, key, objectID string, life time.Duration) (string, error) {
	return b.presignPut(key, objectID, 0, url.Values{}, life), nil
}

func (b *bucket) PresignPart(_ context.Context, key, objectID, uploadID string, part int, life time.Duration) (string, error) {
	query := url.Values{"uploadId": {uploadID}, "partNumber": {strconv.Itoa(part)}}
	return b.presignPut(key, objectID, part, query, life), nil
}

func (b *bucket) PresignGet(_ context.Context, key string, life time.Duration) (string, error) {
	return b.presign(http.MethodGet, key, nil, nil, time.Now(), life), nil
}

func (b *bucket) CreateUpload(ctx context.Context, key, _ string) (string, error) {
	reply, err := b.call(ctx, http.MethodPost, key, url.Values{"uploads": {""}}, nil)
	return reply.UploadID, err
}

func (b *bucket) CompleteUpload(ctx context.Context, key, uploadID string, parts []sandbox.CompletedPart) error {
	var list struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []sandbox.CompletedPart
	}
	list.Part = parts
	body, err := xml.Marshal(list)
	if err != nil {
		return err
	}
	_, err = b.call(ctx, http.MethodPost, key, url.Values{"uploadId": {uploadID}}, body)
	return err
}

func (b *bucket) AbortUpload(ctx context.Context, key, uploadID string) error {
	_, err := b.call(ctx, http.MethodDelete, key, url.Values{"uploadId": {uploadID}}, nil)
	return err
}

func (b *bucket) Head(ctx context.Context, key string) (int64, string, bool, error) {
	reply, err := b.call(ctx, http.MethodHead, key, nil, nil)
	if reply.status == http.StatusNotFound {
		return 0, "", false, nil
	}
	size, _ := strconv.ParseInt(reply.header.Get("Content-Length"), 10, 64) // 0 with an error besides
	return size, reply.header.Get("ETag"), err == nil, err
}

// reply is whatever a call may answer.
type reply struct {
	status                int
	header                http.Header
	XMLName               xml.Name
	Code                  string // of an error
	Message               string
	UploadID              string         `xml:"UploadId"` // of a new upload
	Contents              []storedObject // of a list of objects, a page of it
	NextContinuationToken string         // of the next page; "" in the last
	Upload                []openUpload   // of a list of uploads
}

type storedObject struct {
	Key, ETag string
	Size      int64
}

type openUpload struct {
	Key      string
	UploadID string `xml:"UploadId"`
}

// call makes a request that the bucket signs itself. The error begins with S3's code.
func (b *bucket) call(ctx context.Context, method, key string, query url.Values, body []byte) (reply, error) {
	var r reply
	req, err := http.NewRequestWithContext(ctx, method, b.presign(method, key, query, nil, time.Now(), time.Minute), bytes.NewReader(body))
	if err != nil {
		return r, err
	}
	res, err := b.http.Do(req)
	if err != nil {
		return r, err
	}
	defer res.Body.Close()
	r.status, r.header = res.StatusCode, res.Header
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return r, err
	}
	if len(text) > 0 {
		if err := xml.Unmarshal(text, &r); err != nil {
			return r, fmt.Errorf("%s %s answered %s with what is no XML: %w", method, key, res.Status, err)
		}
	}
	if r.status > 299 || r.XMLName.Local == "Error" { // CompleteMultipartUpload fails in a 200 too
		return r, fmt.Errorf("%s: %s (%s %s: %s)", r.Code, r.Message, method, key, res.Status)
	}
	return r, nil
}

func (b *bucket) objects(t testing.TB) []storedObject {
	t.Helper()
	var all []storedObject
	for query := (url.Values{"list-type": {"2"}}); ; {
		r, err := b.call(context.Background(), http.MethodGet, "", query, nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Contents...)
		if r.NextContinuationToken == "" {
			return all
		}
		query.Set("continuation-token", r.NextContinuationToken)
	}
}

func (b *bucket) openUploads(t testing.TB) []openUpload {
	t.Helper()
	r, err := b.call(context.Background(), http.MethodGet, "", url.Values{"uploads": {""}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.Upload
}

// md5 reads an object.
func (b *bucket) md5(t *testing.T, key string) string {
	t.Helper()
	link, err := b.PresignGet(t.Context(), key, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	h := md5.New()
	if _, err := io.Copy(h, res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("read %s: %s %v", key, res.Status, err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
