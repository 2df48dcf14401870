//go:build race

package ingest_test

func init() { oneOf = 10 }
