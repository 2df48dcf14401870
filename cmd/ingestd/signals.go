package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// signals returns a channel that closes at the first SIGINT or SIGTERM, or when something
// comes from ends, and a context that ends at the second SIGINT or SIGTERM.
func signals(parent context.Context, ends <-chan os.Signal) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancel(parent)
	got := make(chan os.Signal, 2)
	signal.Notify(got, syscall.SIGINT, syscall.SIGTERM)
	first := make(chan struct{})
	go func() {
		defer close(first)
		select {
		case <-got:
		case <-ends:
		case <-ctx.Done():
		}
	}()
	go func() {
		<-first
		select {
		case <-got:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, first, func() { signal.Stop(got); cancel() }
}

// hangups returns where SIGHUP arrives: as a wish to reload, or, where a terminal started
// the process, as the end of that terminal. A wish that comes while another is acted on is
// kept; more of them are one. A terminal that goes away may say so twice, by the kernel and
// by the shell, so that this never counts as a second signal.
func hangups(stdin io.Reader, stderr io.Writer) (reloads, ends <-chan os.Signal, forget func()) {
	got := make(chan os.Signal, 1)
	byTerminal := !signal.Ignored(syscall.SIGHUP) && // nohup: it is to outlive its terminal
		!isService(os.Getenv, os.Getpid()) && (isTerminal(stderr) || isTerminal(stdin))
	signal.Notify(got, syscall.SIGHUP)
	forget = func() { signal.Stop(got) }
	if byTerminal {
		return nil, got, forget
	}
	return got, nil, forget
}

// isService reports that a service manager, or the start of a container, runs the process
// itself, even on a terminal. A shell of a desktop inherits INVOCATION_ID from the service
// that its terminal is: whom systemd started itself, SYSTEMD_EXEC_PID tells, where it is
// new enough.
func isService(env func(string) string, pid int) bool {
	if env("NOTIFY_SOCKET") != "" || pid == 1 {
		return true
	}
	if of := env("SYSTEMD_EXEC_PID"); of != "" {
		return of == strconv.Itoa(pid)
	}
	return env("INVOCATION_ID") != ""
}
