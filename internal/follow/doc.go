// Package follow brings the journal's events to whoever lives outside of it: a receiver of
// notifications, a receipt. Each has a Follower of its own with a place in the journal, so that
// it gets each event in order and none is lost over a restart, a reload or a crash.
//
// The journal is the outbox. A follower reads it in pages and holds one page at the most,
// however long its receiver is away, and nothing but the follower ever waits for that. What
// was taken and not yet noted when the process died is handed over again: a receiver knows it
// by the event's key, a receipt by its last lines.
//
// A follower is one goroutine, which sleeps while there is no event, and no time to wait for.
package follow
