//go:build race

package ingest_test

func init() { oneOf, pointOf = 10, 5 }
