package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	stdio "io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/contract/record"
)

const checkHelp = `PATH is a fixture (login.response.200.json), a HAR file (.har), a file of
exchanges as JSON lines (.jsonl, .ndjson), a directory of such files, or "-":
JSON lines from standard input. A line of JSON lines is

  {"method":"POST","url":"https://…","request_headers":{"Content-Type":"application/json"},
   "request_body":"{…}","status":200,"response_headers":{…},"response_body":"{…}"}

A fixture belongs to the provider of -provider, or of its directory: kuna/ or
kuna/fixtures/. An exchange belongs to the provider whose host it names, or
else whose path; -server tells where else a provider was called, a sandbox or
a host of its own. What is broken, what is undocumented and what was never seen
is told per operation; no header, query or body is printed. A file that is
damaged is reported with its position, and the rest is judged.

Exit status: 0 all held; 1 something broke, or could not be read, or a file
held nothing to judge; 2 wrong use.
`

func runCheck(ctx context.Context, fs *flag.FlagSet, args []string, io IO) error {
	var c check
	provider := fs.String("provider", "", "judge by this provider's document alone; with -doc, its name in reports")
	doc := fs.String("doc", "", "judge by this OpenAPI 3.0 file instead of the embedded documents")
	format := fs.String("format", "text", "text, json or junit")
	server := fs.String("server", "", "base URL that the recordings call in place of the document's own; needs -provider or -doc")
	fs.BoolVar(&c.strict, "strict", false, "count what is undocumented, or could not be judged, as broken")
	paths, err := parse(fs, args)
	if err != nil {
		return err
	}
	if err := oneOf("format", *format, "text", "json", "junit"); err != nil {
		return err
	}
	if len(paths) == 0 {
		return errors.New("needs a PATH; see payctl check -h")
	}
	if err := c.documents(*provider, *doc); err != nil {
		return err
	}
	if *server != "" && c.only == nil {
		return errors.New("-server needs -provider or -doc: whose server is it?")
	}
	c.server = strings.TrimRight(*server, "/")
	var sources []source
	for _, p := range paths {
		more, err := c.sources(p)
		if err != nil {
			return err
		}
		sources = append(sources, more...)
	}
	if err := c.single(sources); err != nil {
		return err
	}
	c.stdin = io.In
	r := c.run(ctx, sources)
	if err := r.write(io.Out, *format); err != nil {
		return err
	}
	if !r.OK {
		return errFailed
	}
	return nil
}

type check struct {
	strict bool
	only   *contract.Checker // of -provider or -doc
	server string            // of -server
	stdin  stdio.Reader
}

func (c *check) documents(provider, doc string) (err error) {
	switch {
	case doc != "":
		var opts []contract.Option
		if provider != "" {
			opts = append(opts, contract.WithProvider(provider))
		}
		c.only, err = contract.Load(doc, opts...)
	case provider != "":
		if err := knownProvider(provider); err != nil {
			return err
		}
		c.only, err = contract.For(provider)
	}
	return err
}

// The kinds of input.
const (
	kindFixture = "fixture"
	kindHAR     = "har"
	kindLines   = "jsonl"
	kindLive    = "live"
)

// source is something to judge.
type source struct {
	path, kind string
	provider   string // of a fixture
}

var kinds = map[string]string{".json": kindFixture, ".form": kindFixture, ".har": kindHAR, ".jsonl": kindLines, ".ndjson": kindLines}

const exceptionsFile = "exceptions.json"

// sources lists what a path holds. An error is a mistake of the caller; what
// is wrong with a file is found when it is judged.
func (c *check) sources(path string) ([]source, error) {
	if path == "-" {
		return []source{{path: "-", kind: kindLines}}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		kind := kinds[strings.ToLower(filepath.Ext(path))]
		if kind == "" {
			return nil, fmt.Errorf("%s: want .json, .form, .har, .jsonl or .ndjson", path)
		}
		s, err := c.source(path, kind)
		return []source{s}, err
	}
	var out []source
	root := path + string(filepath.Separator) // follows a link to a directory
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != root && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir(), d.Name() == exceptionsFile:
			return nil
		}
		kind := kinds[strings.ToLower(filepath.Ext(p))]
		if kind == "" {
			return nil // documents, notes
		}
		s, err := c.source(p, kind)
		if _, name := specs.ParseFixtureName("", d.Name()); err != nil && name != nil {
			return nil // JSON that is neither named like a fixture nor among them
		}
		out = append(out, s)
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%s: holds no fixture and no recording", path)
	}
	return out, err
}

func (c *check) source(path, kind string) (source, error) {
	s := source{path: path, kind: kind}
	if kind != kindFixture || c.only != nil {
		return s, nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return s, err
	}
	dir := filepath.Dir(abs)
	if filepath.Base(dir) == "fixtures" {
		dir = filepath.Dir(dir)
	}
	s.provider = filepath.Base(dir)
	if !slices.Contains(specs.Providers(), s.provider) {
		return s, fmt.Errorf("%s: whose fixture is it? Say -provider, or put it into <provider>/ or <provider>/fixtures/", path)
	}
	return s, nil
}

// single refuses to read standard input twice.
func (c *check) single(sources []source) error {
	n := 0
	for _, s := range sources {
		if s.path == "-" {
			n++
		}
	}
	if n > 1 {
		return errors.New("standard input can be read once")
	}
	return nil
}

// verdict is what one source gave.
type verdict struct {
	in         input
	sum        record.Summary // of a recording
	checkers   []*contract.Checker
	fixture    specs.Fixture
	violations []contract.Violation
}

// run judges all sources on all cores, and reports them in their order.
func (c *check) run(ctx context.Context, sources []source) report {
	verdicts := make([]chan verdict, len(sources))
	for i := range verdicts {
		verdicts[i] = make(chan verdict, 1)
	}
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	go func() {
		for i, s := range sources {
			slots <- struct{}{}
			go func() {
				defer func() { <-slots }()
				verdicts[i] <- c.judge(ctx, s)
			}()
		}
	}()
	col := newCollector(c.strict)
	if c.only != nil {
		col.provider(c.only)
	}
	for _, ch := range verdicts {
		v := <-ch
		switch {
		case v.fixture.Name != "":
			col.fixture(v.checkers[0], v.fixture, v.violations, v.in.Path)
		case v.checkers != nil:
			col.recording(v.sum, v.checkers)
		}
		col.input(v.in)
	}
	return col.report()
}

func (c *check) judge(ctx context.Context, s source) verdict {
	v := verdict{in: input{Path: s.path, Kind: s.kind, Provider: s.provider}}
	if c.only != nil {
		v.in.Provider = c.only.Provider()
	}
	var err error
	switch {
	case ctx.Err() != nil:
		err = errors.New("interrupted before it was read")
	case s.kind == kindFixture:
		err = c.judgeFixture(s, &v)
	default:
		err = c.judgeRecording(ctx, s, &v)
	}
	if err != nil {
		v.in.damage(err.Error())
	}
	return v
}

func (c *check) judgeFixture(s source, v *verdict) error {
	k := c.only
	if k == nil {
		var err error
		if k, err = contract.For(s.provider); err != nil {
			return fmt.Errorf("%s: %w", s.provider, err)
		}
	}
	f, err := specs.ParseFixtureName(k.Provider(), filepath.Base(s.path))
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if f.Body, err = readFile(s.path, record.MaxEntry); err != nil {
		return err
	}
	e, err := exceptions(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	v.in.Excuse = e.KnownBad[f.Name]
	if v.in.Excuse == "" {
		v.in.Excuse = e.Partial[f.Name]
	}
	v.violations = k.FixtureStrict(f, e)
	v.fixture, v.checkers, v.in.Judged = f, []*contract.Checker{k}, 1
	return nil
}

func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := stdio.ReadAll(stdio.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: byte %d: %w", path, len(b), err)
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("%s: is longer than %d bytes", path, limit)
	}
	return b, nil
}

// exceptions reads the excuses for the fixtures of a directory, which stand
// beside it, or beside the directory "fixtures".
func exceptions(dir string) (e specs.Exceptions, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return e, err
	}
	dirs := []string{abs}
	if filepath.Base(abs) == "fixtures" {
		dirs = append(dirs, filepath.Dir(abs))
	}
	for _, d := range dirs {
		b, err := os.ReadFile(filepath.Join(d, exceptionsFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(b, &e)
		}
		if err != nil {
			return e, fmt.Errorf("%s: %w", filepath.Join(d, exceptionsFile), err)
		}
		return e, nil
	}
	return e, nil
}

func (c *check) judgeRecording(ctx context.Context, s source, v *verdict) error {
	checkers, err := c.checkers()
	if err != nil {
		return err
	}
	v.checkers = checkers
	var r stdio.Reader
	name := s.path
	if s.path == "-" {
		name = "stdin"
		var stop func()
		r, stop = interruptible(ctx, c.stdin)
		defer stop()
	} else {
		f, err := os.Open(s.path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		r = f
	}
	read := record.JSONLines
	if s.kind == kindHAR {
		read = record.HAR
	}
	j := record.NewJudge(checkers...)
	for x, err := range read(r, name) {
		if ctx.Err() != nil {
			j.Fail(fmt.Errorf("%s: interrupted; the rest was not judged", name))
			break
		}
		if err != nil {
			j.Fail(err)
			continue
		}
		x.URL = c.address(x.URL)
		j.Add(x)
	}
	v.sum = j.Summary()
	v.in.Judged, v.in.Foreign, v.in.Damaged = v.sum.Exchanges, v.sum.Foreign, v.sum.Damaged
	for _, err := range v.sum.Errors {
		v.in.Errors = append(v.in.Errors, err.Error())
	}
	if v.in.Judged+v.in.Damaged == 0 { // a check that checks nothing must not be green
		if v.in.Foreign == 0 {
			return fmt.Errorf("%s: holds no exchange", name)
		}
		return fmt.Errorf("%s: none of its %s belongs to a document", name, plural(v.in.Foreign, "exchange"))
	}
	return nil
}

func (c *check) checkers() ([]*contract.Checker, error) {
	if c.only != nil {
		return []*contract.Checker{c.only}, nil
	}
	var out []*contract.Checker
	for _, p := range specs.Providers() {
		k, err := contract.For(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		out = append(out, k)
	}
	return out, nil
}

// address is a recorded URL as the judge knows it. With one document, a path
// without a host leads to its server, so that a path the document does not
// know is no stranger's; and so does what -server names.
func (c *check) address(u string) string {
	if c.only == nil {
		return u
	}
	host, base := home(c.only)
	if rest, ok := strings.CutPrefix(u, c.server); ok && c.server != "" && (rest == "" || rest[0] == '/' || rest[0] == '?') {
		return host + base + rest
	}
	if strings.HasPrefix(u, "/") {
		return host + u
	}
	return u
}

// home is the first server a document names with its host: scheme and host,
// and the path below which its operations are.
func home(c *contract.Checker) (host, base string) {
	for _, s := range c.Servers() {
		if u, err := url.Parse(s); err == nil && u.Host != "" {
			return u.Scheme + "://" + u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
		}
	}
	return "", ""
}

// interruptible is a reader that fails once the context ends: a read of a
// terminal or a pipe cannot be cancelled, only abandoned.
func interruptible(ctx context.Context, r stdio.Reader) (_ stdio.Reader, stop func()) {
	pr, pw := stdio.Pipe()
	go func() {
		_, err := stdio.Copy(pw, r)
		_ = pw.CloseWithError(err)
	}()
	end := context.AfterFunc(ctx, func() { _ = pw.CloseWithError(errors.New("interrupted")) })
	return pr, func() {
		end()
		_ = pr.Close()
	}
}
