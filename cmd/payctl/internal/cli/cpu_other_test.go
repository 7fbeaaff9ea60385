//go:build !unix

package cli_test

import "time"

var began = time.Now()

func cpu() time.Duration { return time.Since(began) }
