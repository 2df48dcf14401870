// Package uploader moves the bytes of one file to presigned URLs of a content
// store that speaks S3.
//
// Its part of the story begins when the API has handed out URLs and ends when
// the store has confirmed each part. [Plan] is pure: it decides which bytes go
// to which URL, or refuses. [Open] opens the file beneath its drop folder and
// [Source.Check] notices when it stops being the file that was opened.
// [Uploader.Upload] sends the parts that it is given, a bounded number at once,
// and reports each one as soon as it is stored.
//
// # Memory
//
// No part is held in memory. Bytes go from pread to the socket through the
// 32 KiB copy buffer of net/http; MD5 is computed in the same pass. What a
// process needs therefore grows with the parts in flight, not with their size.
//
// # Single shot
//
// Nothing is retried here, but for two cases in which the store has not taken a
// byte yet: a kept-alive connection that the store had closed in the meantime,
// and a signature that wants a header (see [Uploader.Upload]). Everything else is
// an error that says what happened ([ErrURLExpired], [ErrStalled],
// [ErrUnreachable], *[StoreError] and so on), and the caller owns the one retry
// loop. Sending a part again is always safe: the last bytes win.
//
// # Time
//
// There is no limit on how long a part may take, only on how long it may stand
// still. A read from a share that hangs cannot be interrupted, however: it
// delays cancellation until the file system answers.
//
// # Secrets
//
// A presigned URL is a credential. No error of this package shows its query.
package uploader
