/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package fleet

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// proxy passes TCP connections on, and can be slow or dead. It does not look inside.
type proxy struct {
	listener net.Listener
	target   string
	delay    atomic.Int64 // of what clients send, in nanoseconds

	wg    sync.WaitGroup
	mu    sync.Mutex
	dead  bool
	conns map[net.Conn]struct{} // both ends
}

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, conns: map[net.Conn]struct{}{}}
	p.wg.Go(p.accept)
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// setDelay makes everything that clients send from now on arrive that much later, without a limit to how much is on the way.
func (p *proxy) setDelay(d time.Duration) { p.delay.Store(int64(d)) }

// setDead breaks all connections off, and every new one at once.
func (p *proxy) setDead(dead bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = dead
	if dead {
		for c := range p.conns {
			_ = c.Close() // being closed already is as good
		}
	}
}

func (p *proxy) close() error {
	err := p.listener.Close()
	p.setDead(true)
	p.wg.Wait()
	return err
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p.wg.Go(func() { p.pass(client) })
	}
}

// pass serves one connection until either end closes it.
func (p *proxy) pass(client net.Conn) {
	defer client.Close()
	if !p.hold(client) {
		return
	}
	defer p.release(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.hold(server) {
		return
	}
	defer p.release(server)
	var both sync.WaitGroup
	end := sync.OnceFunc(func() { _, _ = client.Close(), server.Close() }) // what one end closes ends for the other
	both.Go(func() { defer end(); p.forward(server, client) })
	both.Go(func() { defer end(); copyAll(client, server) })
	both.Wait()
}

// hold remembers a connection, unless it must not be.
func (p *proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *proxy) release(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// chunk is data on its way.
type chunk struct {
	data []byte
	due  time.Time
}

// forward copies what a client sends, later by the delay.
func (p *proxy) forward(to, from net.Conn) {
	const underWay = 4096 // chunks
	way := make(chan chunk, underWay)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(way)
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				way <- chunk{append([]byte(nil), buf[:n]...), time.Now().Add(time.Duration(p.delay.Load()))}
			}
			if err != nil {
				return
			}
		}
	})
	broken := false
	for c := range way { // to the end, or the reader would wait for ever
		if broken {
			continue
		}
		time.Sleep(time.Until(c.due))
		if _, err := to.Write(c.data); err != nil {
			broken = true
			_ = from.Close() // ends the reader
		}
	}
	reading.Wait()
}

func copyAll(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
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
