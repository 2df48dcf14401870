// Package facts gathers what can be known of a file before it becomes an asset:
// each fact under the name that a rule's `from` uses, with its values and where
// it came from.
//
// A [Collector] asks the sources of one drop folder that its rules name: the path
// and the file itself ([Gather]), EXIF, IPTC and XMP embedded in it, and what pictures,
// videos and documents say of themselves in the manner of their format ([Embedded]),
// XMP sidecars ([ParseXMP]), JSON and YAML sidecars ([ParseSidecar]), and manifests
// ([ParseManifest]). [Companions] tells the files that only speak of others.
//
// The package knows nothing of rules, accounts or the journal. It changes nothing,
// what it reads is bounded, and every text it returns is valid UTF-8 in normal form
// C without control characters but line feeds, so that a name written by a Mac compares equal to
// the same name in a vocabulary. What cannot be read is a [Gap], not an error: the
// other sources go on.
package facts
