package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
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
end. To survive is: it ends in time, no write reaches the provider more often than
without the fault (what was refused with 401 or 429 does not count), and no
credential or token is in its output. Its exit status is reported, not judged: a
failure that says so is fine. A fault that none of its calls could meet is "not
met" and does not count.
`

// survival is what became of one fault.
type survival struct {
	fault, call, end string
	met              bool
	writes           map[string]int // by operation
	wrong            []string
}

func runSurvive(ctx context.Context, fs *flag.FlagSet, args []string, io IO) error {
	provider := fs.String("provider", "", "the provider that the command calls")
	only := fs.String("faults", "", "comma-separated faults; all if empty")
	timeout := fs.Duration("timeout", 90*time.Second, "when a command that still runs is taken for hanging; more than the client's own timeout")
	delay := fs.Duration("delay", time.Second, "of slow answers, and what a 429 or 503 asks for")
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
	faults := sandbox.CallFaults()
	if *only != "" {
		for _, name := range strings.Split(*only, ",") {
			if !slices.Contains(faults, name) {
				return fmt.Errorf("unknown fault %q; known: %s", name, strings.Join(faults, ", "))
			}
		}
		faults = strings.Split(*only, ",")
	}

	var usual map[string]int
	run := func(name string, token bool) (survival, error) {
		f := sandbox.Fault{Name: name, Provider: *provider, Auth: &token, Count: 1}
		if strings.HasPrefix(name, "429") || strings.HasPrefix(name, "slow") || name == "503" {
			f.Delay = *delay // the others keep theirs: an answer that never comes must not come
		}
		return survive(ctx, *provider, f, *timeout, command, usual)
	}
	plain, err := run("", false)
	if err != nil {
		return err
	}
	usual = plain.writes
	if plain.end != "exit 0" || len(plain.wrong) > 0 {
		return fmt.Errorf("without any fault the command ends with %s %s: nothing can be said of faults", plain.end, strings.Join(plain.wrong, ", "))
	}
	if !plain.met {
		return errors.New("without any fault the command makes no call: nothing can be said of faults")
	}
	failed, met := 0, 0
	fmt.Fprintf(io.Out, "%-22s %-6s %-8s %s\n", "fault", "in", "end", "verdict")
	for _, name := range faults {
		for _, token := range []bool{true, false} {
			if !token && sandbox.FaultOfTokens(name) {
				continue
			}
			s, err := run(name, token)
			if err != nil {
				return err
			}
			verdict := "survived"
			switch {
			case len(s.wrong) > 0:
				met++
				failed++
				verdict = "FAILED: " + strings.Join(s.wrong, ", ")
			case s.met:
				met++
			default:
				verdict = "not met"
			}
			fmt.Fprintf(io.Out, "%-22s %-6s %-8s %s\n", s.fault, s.call, s.end, verdict)
		}
	}
	fmt.Fprintf(io.Out, "\nsurvives %d of %d\n", met-failed, met)
	if failed > 0 {
		return errFailed
	}
	return nil
}

// survive runs the command against a sandbox with one fault.
func survive(ctx context.Context, provider string, fault sandbox.Fault, timeout time.Duration, command []string, usual map[string]int) (survival, error) {
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
	var out capped
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
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // the latter: a child of its own keeps the output open
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
	s.writes = map[string]int{}
	var secrets []string
	for _, x := range box.Requests() {
		op, _ := checker.Lookup(x.Operation)
		if op.Effect == "write" && x.Status != http.StatusUnauthorized && x.Status != http.StatusTooManyRequests {
			s.writes[x.Operation]++
		}
		for _, name := range []string{"Authorization", "Api-Key"} {
			v := x.RequestHeader.Get(name)
			secrets = append(secrets, v[strings.LastIndexByte(v, ' ')+1:])
		}
	}
	for _, op := range slices.Sorted(maps.Keys(s.writes)) {
		if usual != nil && s.writes[op] > usual[op] {
			s.wrong = append(s.wrong, fmt.Sprintf("%s was sent %d times, %d without the fault", op, s.writes[op], usual[op]))
		}
	}
	s.met = len(box.Requests()) > 0
	if rules := box.Faults(); len(rules) > 0 {
		s.met = rules[0].Hits > 0
	}
	for _, line := range box.Env(base) {
		name, value, _ := strings.Cut(line, "=")
		if secretVariable(name) && bytes.Contains(out.Bytes(), []byte(value)) {
			s.wrong = append(s.wrong, "prints "+name)
		}
	}
	if len(s.wrong) == 0 && slices.ContainsFunc(secrets, func(v string) bool { return len(v) >= 8 && bytes.Contains(out.Bytes(), []byte(v)) }) {
		s.wrong = append(s.wrong, "prints a token")
	}
	stop()
	<-served
	return s, nil
}

// capped keeps the first megabyte of what a command prints.
type capped struct{ bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	if room := 1<<20 - c.Len(); room > 0 {
		c.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func secretVariable(name string) bool {
	for _, end := range []string{"_API_KEY", "_SECRET", "_SECRET_KEY", "_PASSWORD", "_PRIVATE_KEY"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
