/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"os"
	"runtime"
	"time"

	"github.com/manifold-k8s/manifold/test/bench/process"
)

// usage is the processor time that was used up to a moment.
type usage struct {
	at                      time.Time
	busy                    time.Duration // of all processors
	hub, members, generator time.Duration
}

// share says where the machine's time went in one phase, in per cent of all its processors.
type share struct {
	Phase     string  `json:"phase"`
	Seconds   float64 `json:"seconds"`
	Hub       float64 `json:"hub"`
	Members   float64 `json:"members"` // with their store
	Generator float64 `json:"generator"`
	Others    float64 `json:"others"`
	Idle      float64 `json:"idle"`
}

func (u usage) since(before usage) share {
	s := share{Seconds: u.at.Sub(before.at).Seconds()}
	percent := func(now, then time.Duration) float64 {
		return max(0, 100*(now-then).Seconds()/s.Seconds/float64(cores()))
	}
	s.Hub, s.Members, s.Generator = percent(u.hub, before.hub), percent(u.members, before.members), percent(u.generator, before.generator)
	busy := percent(u.busy, before.busy)
	s.Others = max(0, busy-s.Hub-s.Members-s.Generator)
	s.Idle = max(0, 100-busy)
	return s
}

func cores() int { return runtime.NumCPU() }

// sample reads who has used the machine's time so far.
func (b *bench) sample() (usage, error) {
	busy, err := process.Busy()
	if err != nil {
		return usage{}, err
	}
	u := usage{at: time.Now(), busy: busy, hub: b.hub.cpu(), generator: process.CPU(os.Getpid())}
	if b.fleet != nil {
		u.members, err = b.fleet.CPU()
	}
	return u, err
}
