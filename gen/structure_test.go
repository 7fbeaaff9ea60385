package gen_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

const (
	root   = ".."
	module = "github.com/seed-4fcf5cf3/payclients"
)

func TestOperationCounts(t *testing.T) {
	for p, want := range map[string]int{specs.CryptoCloud: 13, specs.CryptoPay: 8, specs.Crypterium: 10, specs.EcartPay: 105, specs.Kuna: 23} {
		c, err := contract.For(p)
		require.NoError(t, err)
		require.Len(t, c.Operations(), want, p)
	}
}

func TestTopLevelStaysAsItIs(t *testing.T) {
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	want := []string{"CHANGELOG.md", "LICENSE", "Makefile", "README.md", "authn", "cmd", "gen", "go.mod", "go.sum", "specs", "tools.go"}
	var got []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			got = append(got, e.Name())
		}
	}
	require.Equal(t, want, got)
}

func TestGeneratedAndWrittenCodeDoNotMix(t *testing.T) {
	eachGoFile(t, func(name string, src []byte) {
		head, _, _ := strings.Cut("\n"+string(src), "\npackage ")
		require.Equal(t, strings.HasSuffix(name, ".gen.go"), strings.Contains(head, "DO NOT EDIT"), "%s: *.gen.go and the generated header go together", name)
		for _, p := range specs.Providers() {
			require.NotEqual(t, path.Join("specs", p), path.Dir(name), "%s: no Go beside a document", name)
		}
	})
}

func TestNoFloatInGeneratedCode(t *testing.T) {
	eachGoFile(t, func(name string, src []byte) {
		if !strings.HasSuffix(name, ".gen.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				require.NotContains(t, []string{"float32", "float64"}, id.Name, "%s: money is never a float", name)
			}
			return true
		})
	})
}

// TestReadableNames keeps the generator's names for inline objects away from
// what users touch.
func TestReadableNames(t *testing.T) {
	eachGoFile(t, func(name string, src []byte) {
		if !strings.HasSuffix(name, ".gen.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
		require.NoError(t, err)
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, s := range g.Specs {
				typ := s.(*ast.TypeSpec).Name.Name
				require.NotRegexp(t, `JSONBody$|[a-z][0-9]+[A-Z]|_`, typ, "%s: name the inline object in the document", name)
			}
		}
	})
}

// TestImports enforces who may import whom. It parses the files itself: a test
// that asks the go command is answered from the test cache.
func TestImports(t *testing.T) {
	imports := map[string][]string{} // package directory → imports of its non-test files
	eachGoFile(t, func(name string, src []byte) {
		if strings.HasSuffix(name, "_test.go") || name == "tools.go" {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		require.NoError(t, err)
		for _, i := range f.Imports {
			imports[path.Dir(name)] = append(imports[path.Dir(name)], strings.Trim(i.Path.Value, `"`))
		}
	})
	require.NotEmpty(t, imports["gen/kuna"], "the walk found the packages")

	// closure returns the outside packages that a package links, ours followed.
	var closure func(dir string, seen map[string]bool) []string
	closure = func(dir string, seen map[string]bool) (out []string) {
		if seen[dir] {
			return nil
		}
		seen[dir] = true
		for _, i := range imports[dir] {
			if ours, ok := strings.CutPrefix(i, module+"/"); ok {
				out = append(out, closure(ours, seen)...)
			} else if strings.Contains(strings.Split(i, "/")[0], ".") {
				out = append(out, i)
			}
		}
		return out
	}
	within := func(dir string, outside []string, ours ...string) {
		seen := map[string]bool{}
		for _, i := range closure(dir, seen) {
			require.True(t, slices.ContainsFunc(outside, func(ok string) bool { return i == ok || strings.HasPrefix(i, ok+"/") }), "%s links %s", dir, i)
		}
		for other := range seen {
			require.True(t, other == dir || slices.ContainsFunc(ours, func(ok string) bool { return other == ok || strings.HasPrefix(other, ok+"/") }), "%s links our %s", dir, other)
		}
	}

	clients := []string{"github.com/oapi-codegen/runtime", "golang.org/x/oauth2"}
	for _, p := range specs.Providers() {
		within("gen/"+p, clients, "gen", "authn")
		for _, other := range specs.Providers() {
			if other != p {
				require.NotContains(t, imports["gen/"+p], module+"/gen/"+other, "one client does not link another")
			}
		}
	}
	within("authn", []string{"golang.org/x/oauth2"})
	within("gen/webhook", nil, "gen/internal")
	within("specs", nil)
	within("specs/contract", []string{"github.com/getkin/kin-openapi", "github.com/gorilla/mux"}, "specs")
	within("specs/sandbox", []string{"github.com/getkin/kin-openapi", "github.com/gorilla/mux"}, "specs")
	for dir, list := range imports {
		for _, i := range list {
			if strings.HasPrefix(i, "github.com/getkin/kin-openapi") {
				require.Regexp(t, `^specs/contract(/|$)`, dir, "only specs/contract imports kin-openapi")
			}
			if strings.HasPrefix(i, "github.com/redis/") {
				require.Equal(t, "authn/redisstore", dir, "only authn/redisstore imports a Redis client")
			}
		}
	}
}

// TestGeneratorIsPinned fails when the generator changes, so that somebody
// compares what the new one generates, and what gen/templates still have to do.
func TestGeneratorIsPinned(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	for _, line := range []string{
		"github.com/oapi-codegen/oapi-codegen/v2 v2.8.2",
		"github.com/getkin/kin-openapi v0.152.0",
		"tool github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen",
	} {
		require.Contains(t, string(mod), line)
	}
}

func eachGoFile(t *testing.T, f func(name string, src []byte)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, file)
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(file) != ".go" {
			return nil
		}
		src, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		n++
		f(filepath.ToSlash(name), src)
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, n, 20, "the walk found the tree")
}
