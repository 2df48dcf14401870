// Package sandbox is a stand-in for the Tenovos API and the S3 content store
// behind it, for try-outs and tests on loopback. It was written from the
// vendor's documents and shares nothing with the client, so that a misreading
// on one side cannot cancel out on the other.
//
// One [Server] answers three kinds of path on one listener:
//
//   - the API, below any base path (/v1, /content-store-v1 or none);
//   - /masters/…, the content store, reached only by the presigned URLs which
//     the API hands out: SigV4 query signatures that really are checked, S3's
//     XML errors, MD5 ETags, bodies streamed to disk;
//   - /_sandbox/…, for the test: the state, the recorded requests, queued
//     faults, and the knobs of [Options], which may be turned while it runs.
//
// Where the vendor's documents contradict each other there is a knob, and its
// zero value is what most of the documents say. What a client does wrong
// without any service noticing (an API credential sent to the store, a part
// left out of a complete) is kept as a [Violation].
//
// State lives in memory. [Server.Close] writes it to state.json below
// [Options.Dir] and [New] reads it there, so an orderly restart keeps assets,
// open uploads and the life of presigned URLs; sessions, faults and the
// recorded requests are forgotten, and a sandbox that is killed forgets
// everything since its last orderly end. The server starts no goroutine.
package sandbox
