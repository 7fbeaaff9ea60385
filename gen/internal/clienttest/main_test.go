package clienttest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No test of any client may leave a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
