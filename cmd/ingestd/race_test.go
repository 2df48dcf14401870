//go:build race

package main

// With the race detector less runs at once, less is committed together, and the memory of what
// runs is several times as much.
func init() {
	manyAssets = 150
	mostOfIdle = 192 << 10
	for _, most := range []*sqlCounts{&maxOfNewSize, &maxOfKnownSize} {
		most.commits, most.pieces = 500, 1100
	}
}
