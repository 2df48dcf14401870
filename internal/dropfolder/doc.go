// Package dropfolder is the contract of a drop folder: what the configuration says of
// it, what the rules make of a file that lies in it, and what its watcher, its sidecars
// and its manifests can be asked. It decides nothing and touches no file.
package dropfolder
