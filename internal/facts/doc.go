// Package facts gathers what can be known of a file before it becomes an asset:
// each fact under the name that a rule's `from` uses, with its values and where
// it came from.
//
// A [Collector] asks the sources of one drop folder that its rules name: the path
// and the file itself ([Gather]), what is embedded in it (package embedded), the sidecars
// beside it (packages xmp and sidecar), and manifests (package manifest). [Companions]
// tells the files that only speak of others, a [Teller] those of them that speak of files
// which are not there.
//
// The package knows nothing of rules, accounts or the journal. It changes nothing, and
// what it reads is bounded. What cannot be read is a [metadata.Gap], not an error: the
// other sources go on.
package facts
