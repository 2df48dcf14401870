// Package xmltree reads XML documents of bounded size: [Decode] returns one in UTF-8
// whatever its encoding is, [Parse] a small one as a tree of elements.
package xmltree
