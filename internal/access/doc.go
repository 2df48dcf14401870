// Package access decides who may ask the daemon's HTTP server, and how much of it anybody
// can take. It knows nothing of what is served.
//
// A request passes, in this order: the host that it names (hosts), its method, the site
// that it comes from (origin.go), the login where there is one (login.go), and for a POST
// the token of the page (csrf.go). Whatever is not plainly allowed is refused, with a
// sentence. A connection has a place among few (places), and is closed where its client
// neither sends nor takes anything (server.go).
//
// Wrap runs in the goroutine of the request. Serve waits for all of them before it returns.
package access
