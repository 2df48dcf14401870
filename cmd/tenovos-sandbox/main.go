// Command tenovos-sandbox serves a stand-in for the Tenovos API and its content
// store on loopback, for try-outs, demos and end-to-end tests.
//
// When it is ready it prints one line of JSON to stdout: where it listens and
// what to log in with. It ends on SIGINT and SIGTERM, and with
// --exit-with-stdin when its stdin ends, so that nothing outlives whoever
// started it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)))
}

// exitCode prints err, if any: 1 is a failure, 2 a wrong flag.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "tenovos-sandbox:", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}
