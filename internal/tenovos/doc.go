// Package tenovos is the client of the Tenovos REST API, versions 1.5 and 1.0:
// one method an endpoint, typed replies, typed errors, and a session that
// renews itself. It knows nothing of files and nothing of the journal.
//
// The client is single shot. A call is sent once; the one exception is a 401,
// which is answered by renewing the session and replaying the call, once. All
// other retrying belongs to the caller, who is told by an *Error what may be
// done: see Kind. Most important is Ambiguous, which says that a call that must
// not be repeated blindly may have been carried out.
//
// # What comes back
//
// The vendor's documents contradict each other and the service, so replies are
// read generously: bare or inside {status, message, data}, data as an object or
// as a string of JSON, numbers as strings, names beside or inside their
// template. Errors are recognised in each of their shapes, also in a reply with
// status 200. What cannot be understood is never taken for success, and never
// for "nothing found".
//
// # Session
//
// Each call carries the API key and the session's tokens. The session is renewed
// a little before it ends, by one caller while the others wait; its refresh
// token is tried first, the password only where that is refused. A refused
// password is not tried again at once, since that locks accounts.
//
// # Secrets
//
// Tokens, keys and presigned URLs are secret.Text and secret.URL; the text of an
// error is scrubbed of them, also where the service itself repeats them. The
// API's headers are set on each request by this package and nowhere else, and no
// redirect is followed, so they reach no other host.
package tenovos
