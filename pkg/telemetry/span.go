/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Span is a part of the way of a write. The zero value is none: the write was not sampled.
type Span struct {
	span trace.Span
	end  func(error) // what else its end brings about
}

// End ends the span, with the error that ended the work if there was one.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if s.end != nil {
		s.end(err)
	}
	if err != nil {
		s.span.SetStatus(codes.Error, err.Error())
	}
	s.span.End()
}

// Origin returns the last write of an object, if it is remembered.
func (r *Recorder) Origin(o Object) Origin {
	if r == nil {
		return Origin{}
	}
	return r.cfg.Origins.Of(o)
}

// sampled reports whether there is anything to trace.
func (r *Recorder) sampled(w Origin) bool { return r != nil && r.tracer != nil && w.flags.IsSampled() }

// Place begins the span of a placement step. There is one for each step until placement is through with the write.
func (r *Recorder) Place(ctx context.Context, o Object, kind string) (context.Context, Span) {
	if r == nil || r.tracer == nil {
		return ctx, Span{}
	}
	w := r.Origin(o)
	if !r.sampled(w) || w.placed {
		return ctx, Span{}
	}
	ctx, span := r.start(ctx, "place", w, o, kind, "")
	span.end = func(err error) {
		if err == nil {
			r.cfg.Origins.place(o, w)
		}
	}
	return ctx, span
}

// Sync begins the span of bringing the copy in a member to what a write made of it.
func (r *Recorder) Sync(ctx context.Context, w Origin, o Object, kind, member string) (context.Context, Span) {
	if !r.sampled(w) {
		return ctx, Span{}
	}
	return r.start(ctx, "sync", w, o, kind, member)
}

// Status begins the span of writing the state of the members to the hub.
func (r *Recorder) Status(ctx context.Context, o Object, kind string) (context.Context, Span) {
	if r == nil || r.tracer == nil {
		return ctx, Span{}
	}
	w := r.Origin(o)
	if !r.sampled(w) {
		return ctx, Span{}
	}
	return r.start(ctx, "status", w, o, kind, "")
}

// start begins a span below the request of a write.
func (r *Recorder) start(ctx context.Context, name string, w Origin, o Object, kind, member string) (context.Context, Span) {
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: w.trace, SpanID: w.span, TraceFlags: w.flags})
	attributes := []attribute.KeyValue{
		attribute.String("kind", kind), attribute.String("namespace", o.Namespace), attribute.String("name", o.Name),
	}
	if member != "" {
		attributes = append(attributes, attribute.String("member", member))
	}
	ctx, span := r.tracer.Start(trace.ContextWithSpanContext(ctx, parent), name, trace.WithAttributes(attributes...))
	return ctx, Span{span: span}
}
