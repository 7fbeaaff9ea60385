// Package cli holds the commands of payctl, each a function of its arguments
// and streams, so that tests run them in process.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/specs"
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

var (
	errFailed = errors.New("failed")    // ends a command with exitFailed; what failed was printed already
	errFlags  = errors.New("bad flags") // the flag package has said what is wrong
)

type command struct {
	name, args, help string
	more             string // for -h
	run              func(ctx context.Context, fs *flag.FlagSet, args []string, io IO) error
}

func commands() []command {
	return []command{
		{"demo", "[-env]", "all five providers on the embedded sandbox", "", runDemo},
		{"sandbox", "[-addr 127.0.0.1:0]", "serve the sandbox; prints the base URLs as environment lines", "", runSandbox},
		{"check", "[-provider p] [-strict] [-format text|json|junit] PATH...", "judge fixtures and recorded traffic by the documents", checkHelp, runCheck},
		{"survive", "-provider p -- COMMAND...", "meet somebody's client with every fault of the sandbox", surviveHelp, runSurvive},
		{"proxy", "-provider p -upstream URL [-record file.jsonl]", "stand between a client and a provider, report drift as it happens", proxyHelp, runProxy},
	}
}

// Run runs one command and returns the process's exit status.
func Run(ctx context.Context, args []string, io IO) int {
	if len(args) == 0 {
		usage(io.Err)
		return exitUsage
	}
	if args[0] == "help" && len(args) > 1 {
		args = []string{args[1], "-h"}
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
			fmt.Fprintf(fs.Output(), "usage: payctl %s %s\n\n%s\n", c.name, c.args, c.help)
			if c.more != "" {
				fmt.Fprint(fs.Output(), "\n", c.more)
			}
			fmt.Fprintln(fs.Output())
			fs.PrintDefaults()
		}
		err := c.run(ctx, fs, args[1:], io)
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return exitOK
		case errors.Is(err, errFailed):
			return exitFailed
		case !errors.Is(err, errFlags):
			fmt.Fprintf(io.Err, "payctl %s: %v\n", c.name, err)
		}
		return exitUsage
	}
	fmt.Fprintf(io.Err, "payctl: unknown command %q\n\n", args[0])
	usage(io.Err)
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "payctl: typed clients for payment providers, their sandbox and their contracts")
	for _, c := range commands() {
		fmt.Fprintf(w, "\n  payctl %s %s\n      %s\n", c.name, c.args, c.help)
	}
	fmt.Fprintln(w, "\nEach command has -h. Exit status: 0 all held, 1 something did not, 2 wrong use.")
}

// parse reads flags that may stand before, between and after the paths. What
// follows "--" is a path.
func parse(fs *flag.FlagSet, args []string) (paths []string, err error) {
	var rest []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, rest = args[:i], args[i+1:]
	}
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errFlags
		}
		if fs.NArg() == 0 {
			return append(paths, rest...), nil
		}
		paths, args = append(paths, fs.Arg(0)), fs.Args()[1:]
	}
}

// parseFlags is parse for a command that takes nothing but flags.
func parseFlags(fs *flag.FlagSet, args []string) error {
	paths, err := parse(fs, args)
	if err == nil && len(paths) > 0 {
		return fmt.Errorf("takes no %q", paths[0])
	}
	return err
}

func knownProvider(p string) error {
	if !slices.Contains(specs.Providers(), p) {
		return fmt.Errorf("unknown provider %q; known are %s", p, strings.Join(specs.Providers(), ", "))
	}
	return nil
}

func oneOf(what, got string, known ...string) error {
	if !slices.Contains(known, got) {
		return fmt.Errorf("unknown %s %q; known are %s", what, got, strings.Join(known, ", "))
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
