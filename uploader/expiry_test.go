package uploader

import (
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

func TestExpiry(t *testing.T) {
	signed := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, tc := range []struct {
		query string
		want  time.Time // zero: unknown
	}{
		{"X-Amz-Date=20260304T050607Z&X-Amz-Expires=86400", signed.Add(24 * time.Hour)},
		{"X-Amz-Expires=1&X-Amz-Signature=5f&X-Amz-Date=20260304T050607Z", signed.Add(time.Second)},
		{"X-Amz-Date=20260304T050607Z&X-Amz-Expires=4294967295", signed.Add(4294967295 * time.Second)},
		{"X-Amz-Date=20260304T050607Z&X-Amz-Expires=99999999999999999999", time.Time{}},
		{"X-Amz-Date=20260304T050607Z&X-Amz-Expires=-5", time.Time{}},
		{"X-Amz-Date=20260304T050607Z", time.Time{}},
		{"X-Amz-Date=today&X-Amz-Expires=60", time.Time{}},
		{"", time.Time{}},
	} {
		got, ok := Expiry(secret.URL("https://s.example/a?" + tc.query))
		if !got.Equal(tc.want) || ok != !tc.want.IsZero() {
			t.Errorf("%s: got %v, %v; want %v", tc.query, got, ok, tc.want)
		}
	}
	if _, ok := Expiry("https://s.example/%zz?X-Amz-Date=20260304T050607Z&X-Amz-Expires=60"); ok {
		t.Error("a URL that does not parse has no expiry")
	}
}

func TestSignedObjectID(t *testing.T) {
	for query, want := range map[string]string{
		"X-Amz-SignedHeaders=host%3Bx-amz-meta-objectid&x-amz-meta-objectid=7a":                        "7a",
		"X-Amz-SignedHeaders=host%3Bx-amz-meta-objectid&x-amz-meta-objectid=7a&x-amz-meta-objectid=7a": "7a",
		"X-Amz-SignedHeaders=host&x-amz-meta-objectid=7a":                                              "",
		"X-Amz-SignedHeaders=host%3Bx-amz-meta-objectid":                                               "",
	} {
		got, ok := signedObjectID(secret.URL("https://s.example/a?" + query))
		if got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v; want %q", query, got, ok, want)
		}
	}
}
