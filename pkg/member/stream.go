/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"errors"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// stream is a watch.Interface over the answer to a watch request.
type stream struct {
	events chan watch.Event
	cancel context.CancelFunc
}

// ResultChan implements watch.Interface.
func (s *stream) ResultChan() <-chan watch.Event { return s.events }

// Stop implements watch.Interface.
func (s *stream) Stop() { s.cancel() }

// pathOf is where the objects of a resource are, in all namespaces.
func pathOf(r schema.GroupVersionResource) []string {
	if r.Group == "" {
		return []string{"api", r.Version, r.Resource}
	}
	return []string{"apis", r.Group, r.Version, r.Resource}
}

// open asks for a watch. It ends with ctx; run must then be called, and returns when it has ended.
func (m *Member) open(ctx context.Context, r schema.GroupVersionResource, o metav1.ListOptions) (s *stream, run func(), err error) {
	o.Watch = true
	ctx, cancel := context.WithCancel(ctx)
	body, err := m.streams.Get().AbsPath(pathOf(r)...).SpecificallyVersionedParams(&o, metav1.ParameterCodec, schema.GroupVersion{Version: "v1"}).Stream(ctx)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	s = &stream{events: make(chan watch.Event), cancel: cancel}
	return s, func() { s.read(ctx, body, m.Suspect) }, nil
}

// read passes on what comes from the member. A connection that breaks is the end of the watch like any other: where it
// was can be gone on from. broken is called then. Events that cannot be understood are told as an event of their own.
func (s *stream) read(ctx context.Context, body io.ReadCloser, broken func()) {
	defer close(s.events)
	defer s.cancel()
	defer body.Close()
	in := frames{r: body}
	for {
		var event watch.Event
		frame, err := in.next()
		if err != nil && !errors.Is(err, errFrame) {
			if err != io.EOF && ctx.Err() == nil {
				broken()
			}
			return
		}
		if err == nil {
			event, err = decodeEvent(frame)
		}
		if err != nil {
			report := apierrors.NewClientErrorReporter(http.StatusInternalServerError, http.MethodGet, "ClientWatchDecoding")
			event = watch.Event{Type: watch.Error, Object: report.AsObject(err)}
		}
		select {
		case s.events <- event:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
