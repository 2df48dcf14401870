package access

import (
	"net/http"
	"net/url"
	"strings"
)

// foreign refuses a request that a page of another site had a browser make. Browsers say
// where a request comes from in Origin (with every POST, and with a GET whose reply a
// script of another site wants to read), and in Sec-Fetch-Site (with all of them, where
// the page is on https:// or on this machine). Another port of this machine is another
// origin, and refused, although it is the same site to cookies. Who follows a link from
// elsewhere to a page may see it: that request shows itself as the navigation of a window.
func foreign(req *http.Request) *refusal {
	if origin := req.Header.Values("Origin"); len(origin) > 0 {
		if len(origin) > 1 || !ownOrigin(origin[0], req.Host) {
			return &refusal{http.StatusForbidden, "the request comes from a page of another site (its Origin is not its Host); a proxy in front has to hand on Host as it gets it, with the name in `listen_names`"}
		}
	}
	switch req.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none": // no browser, or an old one; the page itself; a typed address
		return nil
	}
	if req.Method != http.MethodPost && req.Header.Get("Sec-Fetch-Mode") == "navigate" && req.Header.Get("Sec-Fetch-Dest") == "document" {
		return nil
	}
	return &refusal{http.StatusForbidden, "the request comes from a page of another site"}
}

// ownOrigin reports whether an Origin is the host that the request is for. The scheme is not
// known behind a proxy; its usual port is left out by browsers.
func ownOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	plain := func(h string) string { return strings.TrimSuffix(strings.ToLower(h), port) }
	return port != "" && plain(u.Host) == plain(host)
}
