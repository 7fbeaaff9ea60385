package cli

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

func runSandbox(ctx context.Context, fs *flag.FlagSet, args []string, io IO) error {
	addr := fs.String("addr", "127.0.0.1:0", "loopback address and port; port 0 picks a free one")
	seed := fs.Int64("seed", 1, "seed of ids and tokens: the same seed gives the same ones")
	only := fs.String("providers", "", "comma-separated providers to serve; all if empty")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	opts := []sandbox.Option{sandbox.WithSeed(*seed)}
	if *only != "" {
		names := strings.Split(*only, ",")
		for _, p := range names {
			if err := knownProvider(p); err != nil { // sandbox.New panics
				return err
			}
		}
		opts = append(opts, sandbox.WithProviders(names...))
	}
	s := sandbox.New(opts...)
	return sandbox.ListenAndServe(ctx, *addr, s, func(base string) {
		fmt.Fprintln(io.Out, "PAYCLIENTS_SANDBOX_URL="+base)
		for _, line := range s.Env(base) {
			fmt.Fprintln(io.Out, line)
		}
		fmt.Fprintf(io.Err, "sandbox ready: look at %s/__sandbox/ (credentials above are fake; stop with Ctrl-C)\n", base)
	})
}
