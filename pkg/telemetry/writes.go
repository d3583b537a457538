/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package telemetry

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"
)

// Loop is who writes to the hub's store.
type Loop int

// The loops, as they are shown in the label loop.
const (
	ByPlacement Loop = iota
	ByStatus
	ByCluster
	byEvents
	loops
)

var loopNames = [loops]string{"placement", "status", "cluster", "events"}

// Resource is what is written to the hub's store.
type Resource int

// The resources, as they are shown in the label resource.
const (
	Binding Resource = iota
	Template
	Cluster
	event
	resources
)

var resourceNames = [resources]string{"binding", "template", "cluster", "event"}

// Wrote counts a write of a controller to the hub's store.
func (r *Recorder) Wrote(by Loop, what Resource) {
	if r != nil {
		r.written[by][what].Add(1)
	}
}

// Events returns a sink that counts what it passes on to another one.
func (r *Recorder) Events(to record.EventSink) record.EventSink { return eventSink{to, r} }

type eventSink struct {
	record.EventSink
	recorder *Recorder
}

func (s eventSink) count(e *corev1.Event, err error) (*corev1.Event, error) {
	if err == nil {
		s.recorder.Wrote(byEvents, event)
	}
	return e, err
}

// Create implements record.EventSink.
func (s eventSink) Create(e *corev1.Event) (*corev1.Event, error) {
	return s.count(s.EventSink.Create(e))
}

// Update implements record.EventSink.
func (s eventSink) Update(e *corev1.Event) (*corev1.Event, error) {
	return s.count(s.EventSink.Update(e))
}

// Patch implements record.EventSink.
func (s eventSink) Patch(old *corev1.Event, data []byte) (*corev1.Event, error) {
	return s.count(s.EventSink.Patch(old, data))
}
