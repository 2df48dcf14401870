package tenovos

import (
	"errors"
	"io"
	"net/http"
	"testing"
)

// A proxy that refuses the login in Tenovos' place says nothing about the credentials:
// it is waited for. What Tenovos says does, and so does a refusal without a word.
func TestLoginRefusedOnTheWay(t *testing.T) {
	for name, tc := range map[string]struct {
		status      int
		body        string
		credentials bool
	}{
		"a proxy's own login":       {401, "<html><head><title>Log in to the proxy</title></head></html>", false},
		"a proxy's own login, bare": {401, "proxy login required", false},
		"a filter":                  {403, "Forbidden", false},
		"a filter's page":           {403, "<html><head><title>Forbidden</title></head></html>", false},
		"wrong key":                 {403, `{"message":"Forbidden"}`, true},
		"wrong password":            {401, `{"message":"Incorrect username or password."}`, true},
		"without a word":            {401, "", true},
	} {
		f := newFake(t)
		f.auth = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, tc.body)
		}
		err := f.client().Login(t.Context())
		if errors.Is(err, ErrCredentials) != tc.credentials || !tc.credentials && !errors.Is(err, ErrIntermediary) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
