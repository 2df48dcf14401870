// Package dashboard shows what the journal says over HTTP. It only reads, over the journal's
// read-only connections. Who may see it is not decided here, see internal/access.
package dashboard
