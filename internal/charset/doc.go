// Package charset tells in which encoding a text is written, and decodes it.
//
// [NewReader] knows UTF-8 and UTF-16 by their marks or their bytes. [Western] finds the
// encoding of single bytes in which texts make words, by how often a letter stands
// between two others in some language.
package charset
