/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/client-go/transport"
)

// bounded makes a transport give up after limit, 0 for never. A request must be answered to the end of its body within
// that time; a watch must begin to be answered, and may then last: a connection that has gone silent is found out by the
// pings of HTTP/2. Requests that change the protocol (exec and the like) are not concerned.
//
// It also keeps back when the member wants to be asked again: the client would sleep until then, holding up a worker that
// has others to serve, and the caller has its own way to wait.
func bounded(limit time.Duration) transport.WrapperFunc {
	return func(rt http.RoundTripper) http.RoundTripper { return &bound{rt, limit} }
}

type bound struct {
	base  http.RoundTripper
	limit time.Duration
}

// WrappedRoundTripper lets the API machinery look for the transport below.
func (b *bound) WrappedRoundTripper() http.RoundTripper { return b.base }

// RoundTrip implements http.RoundTripper.
func (b *bound) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.within(req)
	if err == nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError) {
		resp.Header.Del("Retry-After")
	}
	return resp, err
}

func (b *bound) within(req *http.Request) (*http.Response, error) {
	if b.limit == 0 || req.Header.Get("Upgrade") != "" {
		return b.base.RoundTrip(req)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(b.limit, func() { cancel(fmt.Errorf("no complete answer within %v: %w", b.limit, context.DeadlineExceeded)) })
	end := func() {
		timer.Stop()
		cancel(nil)
	}
	resp, err := b.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		err = late(ctx, err)
		end()
		return nil, err
	}
	if isWatch(req) && !timer.Stop() {
		_ = resp.Body.Close() // it has just been given up
		return nil, late(ctx, context.Canceled)
	}
	resp.Body = &boundBody{resp.Body, func(err error) error { return late(ctx, err) }, end}
	return resp, nil
}

func isWatch(req *http.Request) bool {
	switch req.URL.Query().Get("watch") {
	case "true", "1":
		return true
	}
	return false
}

// late says that the time was up, if that is what err comes from.
func late(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, context.DeadlineExceeded) && err != io.EOF {
		return cause
	}
	return err
}

// boundBody ends the time when the body has been read or is not wanted any more.
type boundBody struct {
	io.ReadCloser
	late func(error) error
	end  func()
}

func (b *boundBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		err = b.late(err)
		b.end()
	}
	return n, err
}

func (b *boundBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
