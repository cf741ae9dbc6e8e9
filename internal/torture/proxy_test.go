//go:build linux

package torture

import (
	"net"
	"sync"
	"testing"
	"time"
)

// proxy stands between a replica and its database.
type proxy struct {
	network, target string
	listener        net.Listener
	running         sync.WaitGroup

	mu      sync.Mutex
	state   passage
	changed chan struct{} // closed by the next change of state
	conns   map[net.Conn]bool
}

// passage is what a proxy does with what comes. The zero value lets everything through.
type passage struct {
	refuse bool          // new connections are reset
	hang   bool          // nothing goes through
	slow   time.Duration // each piece comes that much later
}

func newProxy(t *testing.T, network, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{network: network, target: target, listener: l, changed: make(chan struct{}), conns: map[net.Conn]bool{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.set(passage{})
		p.reset()
		p.running.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		if state, _ := p.look(); state.refuse {
			abort(from)
			continue
		}
		to, err := net.Dial(p.network, p.target)
		if err != nil {
			abort(from)
			continue
		}
		p.mu.Lock()
		p.conns[from], p.conns[to] = true, true
		p.mu.Unlock()
		p.running.Go(func() { p.forward(to, from) })
		p.running.Go(func() { p.forward(from, to) })
	}
}

func (p *proxy) forward(to, from net.Conn) {
	defer func() {
		p.mu.Lock()
		delete(p.conns, to)
		delete(p.conns, from)
		p.mu.Unlock()
		to.Close()
		from.Close()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		for {
			state, changed := p.look()
			if state.hang {
				<-changed
				continue
			}
			time.Sleep(state.slow)
			break
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) look() (passage, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.changed
}

func (p *proxy) set(state passage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = state
	close(p.changed)
	p.changed = make(chan struct{})
}

// reset breaks all connections.
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		abort(c)
	}
}

// abort closes a connection with a reset instead of an orderly end.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it may be closed already
	}
	c.Close()
}
