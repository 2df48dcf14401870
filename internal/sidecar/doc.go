// Package sidecar reads the facts that a JSON or YAML file tells of the file beside which
// it lies. Where it lies, and whose it is, is known to package facts.
package sidecar
