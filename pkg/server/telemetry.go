/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/utils/clock"

	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/native"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

// recorder returns what measures the federation. It makes spans if the API server does.
func (o *Options) recorder(api *native.Server) *telemetry.Recorder {
	cfg := telemetry.Config{Origins: o.origins, Clock: clock.RealClock{}}
	if o.Traces != nil && o.Traces.ConfigFile != "" {
		cfg.Spans = api.Spans
	}
	return telemetry.New(cfg)
}

// showMetrics shows what is measured at the API server's /metrics.
func showMetrics(r *telemetry.Recorder, sizes telemetry.Sizes) error {
	return r.Register(telemetry.Registry{Custom: legacyregistry.CustomRegister, Register: legacyregistry.Register}, sizes)
}

// copiesIn tells how many copies a member is known to hold.
func copiesIn(fleet *member.Fleet) func(string) int {
	return func(name string) int {
		if m := fleet.Get(name); m != nil {
			return m.Copies()
		}
		return 0
	}
}
