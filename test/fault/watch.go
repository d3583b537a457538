/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package fault

import (
	"io"
	"net/http"
)

// stream is the body of a watch on its way to the client.
type stream struct {
	io.ReadCloser
	proxy   *Proxy
	request *http.Request
	cut     chan struct{} // closed when it has to end
}

// watchBody puts a stream in place of the body of a watch.
func (p *Proxy) watchBody(answer *http.Response) error {
	if !IsWatch(answer.Request) || answer.StatusCode != http.StatusOK {
		return nil
	}
	s := &stream{ReadCloser: answer.Body, proxy: p, request: answer.Request, cut: make(chan struct{})}
	p.mu.Lock()
	p.watches[s] = true
	p.mu.Unlock()
	answer.Body = s
	return nil
}

// Read passes on what the server says, unless the watch is stalled: then it waits until it is not, or is cut.
func (s *stream) Read(buf []byte) (int, error) {
	n, err := s.ReadCloser.Read(buf)
	for {
		changed, stalled := s.proxy.stalls(s.request)
		if !stalled {
			return n, err
		}
		select {
		case <-changed:
		case <-s.cut:
			return 0, io.ErrUnexpectedEOF
		case <-s.request.Context().Done():
			return 0, s.request.Context().Err()
		}
	}
}

func (s *stream) Close() error {
	s.proxy.mu.Lock()
	delete(s.proxy.watches, s)
	s.proxy.mu.Unlock()
	return s.ReadCloser.Close()
}

// stalls reports whether a watch is to say nothing, and returns what is closed when that may have changed.
func (p *Proxy) stalls(r *http.Request) (<-chan struct{}, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed, p.stalled != nil && p.stalled(r)
}

// Stall lets the selected watches, those to come included, say nothing more, without an end and without an error. What
// they would have said is said after Resume.
func (p *Proxy) Stall(m Match) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = m
	close(p.changed)
	p.changed = make(chan struct{})
}

// Resume ends what Stall began.
func (p *Proxy) Resume() { p.Stall(nil) }

// Cut breaks the selected watches off, nil selecting all, and returns how many. What a stalled one has not said is lost.
func (p *Proxy) Cut(m Match) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for s := range p.watches {
		if m == nil || m(s.request) {
			delete(p.watches, s)
			close(s.cut)
			_ = s.ReadCloser.Close() // ends a Read that waits for the server
			n++
		}
	}
	return n
}
