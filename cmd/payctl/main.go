// Command payctl runs the demo and the sandbox, and judges recorded traffic
// against the providers' documents. See payctl help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed-4fcf5cf3/payclients/cmd/payctl/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Run(ctx, os.Args[1:], cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
