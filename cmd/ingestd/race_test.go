//go:build race

package main

// With the race detector less runs at once, and less is committed together.
func init() {
	manyAssets = 150
	for _, most := range []*sqlCounts{&maxOfNewSize, &maxOfKnownSize} {
		most.commits, most.pieces = 500, 1100
	}
}
