package sandbox

import (
	"strings"
	"sync"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// library keeps the fixtures that were read, so that the second sandbox
// starts faster than the first.
var library sync.Map

func fixturesOf(name string) ([]specs.Fixture, error) {
	if v, ok := library.Load(name); ok {
		list, _ := v.([]specs.Fixture)
		return list, nil
	}
	list, err := specs.Fixtures(name)
	if err == nil {
		library.Store(name, list)
	}
	return list, err
}

// documentedPayloads is, for each operation, the first documented success.
// Payloads that are known to be broken or cut are left out.
func documentedPayloads(name string) (map[string][]byte, error) {
	fixtures, err := fixturesOf(name)
	if err != nil {
		return nil, err
	}
	except, err := specs.ExceptionsOf(name)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, f := range fixtures {
		switch {
		case f.Kind != specs.Response || f.Form || f.Any() || !strings.HasPrefix(f.Status, "2"):
		case except.KnownBad[f.Name] != "" || except.Partial[f.Name] != "":
		case out[f.Operation] == nil:
			out[f.Operation] = f.Body
		}
	}
	return out, nil
}

// payload is the answer of an operation without behaviour of its own.
func (c *call) payload() *answer {
	if b := c.provider.payloads[c.op.ID]; b != nil {
		a := success(nil)
		a.body = b
		return a
	}
	return success(obj()).guessed("the whole answer; no payload is documented")
}

// sample is a documented success as a template for an answer of ours, or an
// empty object.
func (c *call) sample(operation string) *object { return c.provider.sample(operation) }

func (p *provider) sample(operation string) *object { return decodeObject(p.payloads[operation]) }

// fixture is one documented payload by its file name.
func fixture(provider, name string) []byte {
	fixtures, err := fixturesOf(provider)
	if err != nil {
		return nil
	}
	for _, f := range fixtures {
		if f.Name == name {
			return f.Body
		}
	}
	return nil
}
