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
	if err := fs.Parse(args); err != nil {
		return err
	}
	opts := []sandbox.Option{sandbox.WithSeed(*seed)}
	if *only != "" {
		opts = append(opts, sandbox.WithProviders(strings.Split(*only, ",")...))
	}
	s := sandbox.New(opts...)
	return sandbox.ListenAndServe(ctx, *addr, s, func(base string) {
		for _, line := range s.Env(base) {
			fmt.Fprintln(io.Out, line)
		}
		fmt.Fprintf(io.Err, "sandbox ready: look at %s/__sandbox/ (credentials above are fake; stop with Ctrl-C)\n", base)
	})
}
