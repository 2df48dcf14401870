// Package companions works on sidecars and manifests: files that only speak of others.
//
//	Split      parts companions from the files that they speak of
//	ActOnDue   what a companion that came or changed speaks of is mapped again, or edited
//	rows       rows of manifests that have no file become entries
//	unmatched  rows and sidecars that no file has are told to people
//
// It makes entries and opens edits, and leaves what becomes of them to others.
package companions
