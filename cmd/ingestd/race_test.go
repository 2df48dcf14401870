//go:build race

package main

func init() { manyAssets = 150 }
