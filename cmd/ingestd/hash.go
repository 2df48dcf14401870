package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/term"
)

// hashCost makes each try at a password take some 60 ms.
const hashCost = 10

func newHashCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hash-password",
		Short: "Ask for a password, or read it from stdin, and print its hash for listen_auth",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			password, err := askPassword(cmd.InOrStdin(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			hash, err := bcrypt.GenerateFromPassword(password, hashCost)
			if errors.Is(err, bcrypt.ErrPasswordTooLong) {
				return errors.New("the password is longer than the 72 bytes that bcrypt takes: choose a shorter one")
			}
			if err == nil {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", hash)
			}
			return err
		},
	}
}

// askPassword asks twice on a terminal, without an echo, and else reads the first line.
func askPassword(in io.Reader, out io.Writer) ([]byte, error) {
	var password []byte
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		var answers [2][]byte
		for i, question := range []string{"Password: ", "The same again: "} {
			_, _ = fmt.Fprint(out, question)
			answer, err := term.ReadPassword(int(f.Fd()))
			_, _ = fmt.Fprintln(out)
			if err != nil {
				return nil, fmt.Errorf("read the password: %w", err)
			}
			answers[i] = answer
		}
		if string(answers[0]) != string(answers[1]) {
			return nil, errors.New("the two are not the same: nothing was made of them")
		}
		password = answers[0]
	} else {
		line, err := bufio.NewReader(io.LimitReader(in, 4<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read the password: %w", err)
		}
		password = []byte(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
	}
	if len(password) < shortestPassword {
		return nil, fmt.Errorf("a password of %d characters is soon found by trying: it needs %d", len(password), shortestPassword)
	}
	return password, nil
}

// shortestPassword is in bytes.
const shortestPassword = 8
