//go:build race

package ingest_test

func init() { oneOf, pointOf, histories = 10, 5, 10 }
