// Package dashboard shows people and machines what the journal says: the report
// behind `ingestd status`, and the same over HTTP with a health check. It only
// reads, over the journal's read-only connections.
package dashboard
