package sandbox

import (
	"net/http"
	"time"
)

type Fault struct{ Name string }
type faults struct{}

func newFaults(int64) *faults              { return &faults{} }
func (*faults) reset(int64)                {}
func (*faults) pick(string, string) *Fault { return nil }
func (f *Fault) early() bool               { return false }
func (f *Fault) skew() time.Duration       { return 0 }
func (f *Fault) instead(*call) *answer     { return nil }
func (f *Fault) send(*Sandbox, http.ResponseWriter, *http.Request, *provider, *answer, *Exchange) {
}

type hooks struct{}

func newHooks(*Sandbox, config) *hooks    { return &hooks{} }
func (*hooks) reset()                     {}
func (s *Sandbox) wake()                  {}
func (s *Sandbox) Close()                 {}
func (s *Sandbox) controls() http.Handler { return http.NotFoundHandler() }

func (c *call) ecartpayOrderEvent(string, *row)               {}
func (c *call) ecartpayEvent(string, string, *object, string) {}

func (c *call) crypteriumEvent(string, string) {}
func (c *call) kunaCallback(*row)              {}
