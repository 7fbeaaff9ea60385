package authn

import "time"

// What tests outside the package may see.

var (
	Windows = windows
	Scrub   = scrub
	Shape   = shape
	Backoff = backoff
	ReadJWT = func(s string) (iat, exp float64, ok bool) { c, ok := readJWT(s); return c.iat, c.exp, ok }
	LifeOf  = lifeOf

	StoreKey = storeKey
)

// ShiftWallClock does to the session's token what setting the machine's clock
// forward by d does: the wall clock's deadlines come nearer, the monotonic ones stay.
func (s *Session) ShiftWallClock(d time.Duration) {
	old := s.cur.Load()
	l := s.newLive(old.rec, old.born)
	for _, dl := range []*deadline{&l.soft, &l.firm, &l.over} {
		dl.wall -= int64(d)
	}
	s.cur.Store(l)
}
