package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

const surviveHelp = `Runs COMMAND, somebody's client in any language, once for each fault of the
sandbox: once with the fault in the first call that gets a token, once with it in
the first other call. The command finds base URL and fake credentials in its
environment, as payctl sandbox prints them, and should make a call or two and
end. To survive is: it ends in time, no write reaches the provider twice with one
body, and no credential is in its output. Its exit status is reported, not judged:
a failure that says so is fine.
`

// survival is what became of one fault.
type survival struct {
	fault, call, end string
	wrong            []string
}

func runSurvive(ctx context.Context, fs *flag.FlagSet, args []string, io IO) error {
	provider := fs.String("provider", "", "the provider that the command calls")
	only := fs.String("faults", "", "comma-separated faults; all if empty")
	timeout := fs.Duration("timeout", 30*time.Second, "when a command that still runs is taken for hanging")
	delay := fs.Duration("delay", time.Second, "of the faults that are slow, and what a 429 asks for")
	before, command := args, []string(nil)
	if i := slices.Index(args, "--"); i >= 0 {
		before, command = args[:i], args[i+1:]
	}
	if err := parseFlags(fs, before); err != nil {
		return err
	}
	if err := knownProvider(*provider); err != nil {
		return err
	}
	if len(command) == 0 {
		return errors.New("give the command after --")
	}
	faults := slices.DeleteFunc(sandbox.FaultNames(), func(name string) bool {
		return strings.HasPrefix(name, "webhook-") || name == "documented" || name == "answer"
	})
	if *only != "" {
		for _, name := range strings.Split(*only, ",") {
			if !slices.Contains(faults, name) {
				return fmt.Errorf("unknown fault %q; known: %s", name, strings.Join(faults, ", "))
			}
		}
		faults = strings.Split(*only, ",")
	}

	run := func(name string, token bool) (survival, error) {
		return survive(ctx, *provider, sandbox.Fault{Name: name, Provider: *provider, Auth: &token, Count: 1, Delay: *delay}, *timeout, command)
	}
	plain, err := run("", false)
	if err != nil {
		return err
	}
	if plain.end != "exit 0" || len(plain.wrong) > 0 {
		return fmt.Errorf("without any fault the command ends with %s %s: nothing can be said of faults", plain.end, strings.Join(plain.wrong, ", "))
	}
	failed := 0
	fmt.Fprintf(io.Out, "%-22s %-6s %-8s %s\n", "fault", "in", "end", "verdict")
	for _, name := range faults {
		for _, token := range []bool{true, false} {
			s, err := run(name, token)
			if err != nil {
				return err
			}
			verdict := "survived"
			if len(s.wrong) > 0 {
				failed++
				verdict = "FAILED: " + strings.Join(s.wrong, ", ")
			}
			fmt.Fprintf(io.Out, "%-22s %-6s %-8s %s\n", s.fault, s.call, s.end, verdict)
		}
	}
	fmt.Fprintf(io.Out, "\nsurvives %d of %d\n", 2*len(faults)-failed, 2*len(faults))
	if failed > 0 {
		return errFailed
	}
	return nil
}

// survive runs the command against a sandbox with one fault.
func survive(ctx context.Context, provider string, fault sandbox.Fault, timeout time.Duration, command []string) (survival, error) {
	s := survival{fault: fault.Name, call: "call"}
	if *fault.Auth {
		s.call = "token"
	}
	box := sandbox.New(sandbox.WithProviders(provider), sandbox.WithHistory(10_000))
	if fault.Name != "" {
		box.Inject(fault)
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	ready, served := make(chan string, 1), make(chan error, 1)
	go func() {
		served <- sandbox.ListenAndServe(serving, "127.0.0.1:0", box, func(base string) { ready <- base })
	}()
	var base string
	select {
	case base = <-ready:
	case err := <-served:
		return s, err
	}

	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(limited, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), box.Env(base)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return s, ctx.Err()
	case limited.Err() != nil:
		s.end, s.wrong = "killed", append(s.wrong, fmt.Sprintf("hangs for more than %s", timeout))
	case err == nil:
		s.end = "exit 0"
	case errors.As(err, &exit):
		s.end = fmt.Sprintf("exit %d", exit.ExitCode())
	default:
		return s, err // it did not start
	}

	checker, err := contract.For(provider)
	if err != nil {
		return s, err
	}
	sent := map[string]int{}
	for _, x := range box.Requests() {
		op, _ := checker.Lookup(x.Operation)
		if op.Effect != "write" || x.Status == http.StatusUnauthorized { // refused for its token, and not done
			continue
		}
		key := fmt.Sprintf("%s %x", x.Operation, sha256.Sum256(x.RequestBody))
		if sent[key]++; sent[key] == 2 {
			s.wrong = append(s.wrong, x.Operation+" was sent twice")
		}
	}
	for _, line := range box.Env(base) {
		name, value, _ := strings.Cut(line, "=")
		if secretVariable(name) && bytes.Contains(out.Bytes(), []byte(value)) {
			s.wrong = append(s.wrong, "prints "+name)
		}
	}
	stop()
	<-served
	return s, nil
}

func secretVariable(name string) bool {
	for _, end := range []string{"_API_KEY", "_SECRET", "_SECRET_KEY", "_PASSWORD", "_PRIVATE_KEY"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
