// Command ingestd turns the files of drop folders into Tenovos assets.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // timetables go by TZ, also on a host that has no time zones

	"golang.org/x/sys/unix"
)

func main() {
	// What is left in a drop folder has the folder's mode. Every other file is made
	// with a mode that says who may read it.
	unix.Umask(0)
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
