// Package cli holds the commands of payctl, each a function of its arguments
// and streams, so that tests run them in process.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
)

// IO are the streams of a command.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
}

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // the command ran, and what it checked did not hold
	exitUsage  = 2 // the command was called wrongly or could not run
)

// errFailed ends a command with exitFailed; what failed was printed already.
var errFailed = errors.New("failed")

type command struct {
	name, args, help string
	run              func(ctx context.Context, fs *flag.FlagSet, args []string, io IO) error
}

func commands() []command {
	return []command{
		{"demo", "[-env]", "all five providers on the embedded sandbox", runDemo},
		{"sandbox", "[-addr 127.0.0.1:0]", "serve the sandbox; prints the base URLs as environment lines", runSandbox},
	}
}

// Run runs one command and returns the process's exit status.
func Run(ctx context.Context, args []string, io IO) int {
	if len(args) == 0 {
		usage(io.Err)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(io.Out)
		return exitOK
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		fs := flag.NewFlagSet("payctl "+c.name, flag.ContinueOnError)
		fs.SetOutput(io.Err)
		fs.Usage = func() {
			fmt.Fprintf(io.Err, "usage: payctl %s %s\n\n%s\n", c.name, c.args, c.help)
			fs.PrintDefaults()
		}
		err := c.run(ctx, fs, args[1:], io)
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return exitOK
		case errors.Is(err, errFailed):
			return exitFailed
		default:
			fmt.Fprintf(io.Err, "payctl %s: %v\n", c.name, err)
			return exitUsage
		}
	}
	fmt.Fprintf(io.Err, "payctl: unknown command %q\n\n", args[0])
	usage(io.Err)
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "payctl: typed clients for payment providers, their sandbox and their contracts")
	fmt.Fprintln(w)
	for _, c := range commands() {
		fmt.Fprintf(w, "  payctl %-8s %-36s %s\n", c.name, c.args, c.help)
	}
	fmt.Fprintln(w, "\nEach command has -h. Exit status: 0 all held, 1 something did not, 2 wrong use.")
}
