// Package dashboard serves what the journal says over HTTP, with a health check. It only
// reads, over the journal's read-only connections.
package dashboard
