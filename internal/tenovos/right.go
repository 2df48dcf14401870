package tenovos

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// LackedRight returns the service's own words where err may be the refusal of a call
// for want of a right; CurrentUser tells whether it is that, or about the account as
// a whole. It returns "" for an error of another sort. The documents have 401
// and 403 for it, in several words; a 403 in which the API does not speak is a gateway's.
func LackedRight(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok || errors.Is(err, ErrSession) || errors.Is(err, ErrIntermediary) {
		return ""
	}
	if e.Kind != Unauthorized && (e.Kind != Rejected || e.Status != http.StatusForbidden) {
		return ""
	}
	words := []string{fmt.Sprintf("Tenovos answers HTTP %d", e.Status), e.Message, e.Detail}
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), ": ")
}
