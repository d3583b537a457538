/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package calm keeps expected errors out of the error log. Libraries log an error whenever a watch ends or a list fails;
// with members that come and go, and kinds that users define and delete, most of these are no news for an operator.
package calm

import (
	"context"

	"k8s.io/klog/v2"
)

// level is the verbosity at which expected errors are told.
const level = 2

// Context returns ctx with a logger that tells errors for which expected says yes as information of verbosity 2. All
// others go their usual way.
func Context(ctx context.Context, expected func(error) bool) context.Context {
	logger := klog.FromContext(ctx)
	return klog.NewContext(ctx, logger.WithSink(sink{logger.GetSink(), expected}))
}

// sink is a klog.LogSink between a logger and its own.
type sink struct {
	klog.LogSink
	expected func(error) bool
}

func (s sink) Error(err error, msg string, pairs ...any) {
	switch {
	case err == nil || !s.expected(err):
		s.LogSink.Error(err, msg, pairs...)
	case s.Enabled(level):
		s.Info(level, msg, append(pairs, "reason", err.Error())...)
	}
}

func (s sink) WithValues(pairs ...any) klog.LogSink {
	return sink{s.LogSink.WithValues(pairs...), s.expected}
}

func (s sink) WithName(name string) klog.LogSink {
	return sink{s.LogSink.WithName(name), s.expected}
}
