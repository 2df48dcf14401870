package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts a program ingestd into the PATH: this very test binary, which
// then runs main. So scripts and process tests meet the real thing, with the race
// detector inside when the tests run with it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ingestd": main})
}
