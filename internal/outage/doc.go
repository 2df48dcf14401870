// Package outage knows when Tenovos, its content store or a way to them fails for everybody,
// and has the files wait so that none pays for it with an attempt of its own.
//
//   - [Gate] is for trouble that meets every call: it closes for the whole pool, and probes
//     Tenovos until that answers.
//   - [Circuits] are circuit breakers, for trouble that meets one way or one right: the way to
//     the content store, the right to create assets of a kind, one call of the API. What
//     needs another way goes on.
//
// Nothing here writes to an entry of the journal. [Circuits.HoldBack] and [Circuits.Refused]
// return until when an entry waits, and why; whoever asked records that, and calls
// [Wait.Recorded] afterwards, which wakes others.
package outage
