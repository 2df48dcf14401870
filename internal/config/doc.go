// Package config reads the configuration file into one validated struct.
//
// [Load] reports every mistake of the file at once, each with line and column,
// and never ignores anything: an unknown key, a key that only a later version
// supports, and a value of the wrong type are mistakes. It walks the YAML tree
// itself, because a decoder stops counting lines where types begin. Names of the
// account (templates, attributes, values) are checked later, by mapping.Resolve,
// whose problems have places in the same file and print the same way.
package config
