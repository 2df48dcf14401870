// Package notify tells people and programs by webhook and mail what needs them: files that
// failed or are held, drops that are done, folders or Tenovos waited for.
//
// A Receiver is what the configuration says of one; it becomes a Taker for a follow.Follower,
// which brings it the journal's events, tries again, and remembers how far it is. A webhook gets
// each event by itself, a mail many that came in a short time.
//
// The URL of a webhook is a secret, for many carry a token in their path: nothing of it but
// scheme and host is ever written anywhere.
package notify
