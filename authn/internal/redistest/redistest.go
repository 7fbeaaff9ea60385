// Package redistest starts a Redis server for a test.
package redistest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Start runs redis-server on a free loopback port, without persistence, until the
// test ends, and returns its address. Without redis-server on PATH the test is
// skipped, or fails if PAYCLIENTS_REQUIRE_REDIS=1.
func Start(t testing.TB) string {
	t.Helper()
	return Server(t).Addr
}

// Process is a server that a test may stop.
type Process struct {
	Addr string
	cmd  *exec.Cmd
}

// Server is [Start] for a test that wants to stop the server.
func Server(t testing.TB) *Process {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		const missing = "redis-server is not on PATH: the fleet tests on Redis did not run (apt-get install redis-server)"
		if os.Getenv("PAYCLIENTS_REQUIRE_REDIS") == "1" {
			t.Fatal(missing + "; PAYCLIENTS_REQUIRE_REDIS=1 asks for them")
		}
		t.Skip(missing)
	}
	for range 5 { // the port is free when we look, and may be gone when redis comes
		if p := try(t, path); p != nil {
			t.Cleanup(p.Kill)
			return p
		}
	}
	t.Fatal("redis-server did not start")
	return nil
}

// Kill ends the server at once.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func try(t testing.TB, path string) *Process {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	dir := t.TempDir()
	cmd := exec.Command(path, "--bind", "127.0.0.1", "--port", fmt.Sprint(port), "--save", "", "--appendonly", "no",
		"--dir", dir, "--logfile", filepath.Join(dir, "log"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if ping(addr) {
			return &Process{addr, cmd}
		}
		time.Sleep(20 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return nil
}

func ping(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, _ := bufio.NewReader(c).ReadString('\n')
	return line == "+PONG\r\n"
}
