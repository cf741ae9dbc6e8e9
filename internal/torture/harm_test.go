//go:build linux

package torture

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// The proxy does to connections what it is set to.
func TestProxy(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { echo.Close() })
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	p := newProxy(t, "tcp", echo.Addr().String())
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	ask := func(c net.Conn, within time.Duration) error {
		if err := c.SetDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("x")); err != nil {
			return err
		}
		_, err := io.ReadFull(c, make([]byte, 1))
		return err
	}
	c := dial()
	if err := ask(c, patience); err != nil {
		t.Errorf("let through: %v", err)
	}
	p.set(passage{slow: time.Millisecond})
	if err := ask(c, patience); err != nil {
		t.Errorf("slow: %v", err)
	}
	p.set(passage{hang: true})
	if err := ask(c, 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("hanging: %v", err)
	}
	p.set(passage{})
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Errorf("let through again: %v", err)
	}
	p.set(passage{refuse: true})
	// The reset may come before Dial has seen the connection.
	if refused, err := net.Dial("tcp", p.listener.Addr().String()); err == nil {
		defer refused.Close()
		if err := ask(refused, patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("refused: %v", err)
		}
	}
	p.reset()
	if err := ask(c, patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reset: %v", err)
	}
}

// A full disk takes nothing, and a process may write no file beyond its limit.
func TestDisk(t *testing.T) {
	dir := t.TempDir()
	write := func() error {
		return os.WriteFile(filepath.Join(dir, "file"), make([]byte, 10_000), 0o600)
	}
	if mountDisk(t, dir) {
		free := fill(t, dir)
		if err := write(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("on a full disk: %v", err)
		}
		free()
	}
	if err := write(); err != nil {
		t.Errorf("on a disk with room: %v", err)
	}
	if err := limitFiles(os.Getpid(), 4096); err != nil {
		t.Fatal(err)
	}
	err := write()
	if again := limitFiles(os.Getpid(), ^uint64(0)); again != nil {
		t.Error(again)
	}
	if !errors.Is(err, syscall.EFBIG) {
		t.Errorf("beyond the limit: %v", err)
	}
}
