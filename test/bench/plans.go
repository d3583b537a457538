/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"slices"
	"time"

	"github.com/manifold-k8s/manifold/test/bench/fleet"
)

// available is how long a Deployment takes to become available in a simulated member.
const available = 50 * time.Millisecond

// plan is a federation and what is measured on it.
type plan struct {
	name    string
	members string // of which sort, for the report
	fleet   fleet.Config
	limits  map[string]*limit
	phases  []phase
	// deployments is how many are created in one go; 0 for none.
	deployments int
	// history says that the store's history is read after a phase, which takes time and memory of the hub.
	history bool
	// proxied are members that a fault will befall.
	proxied []string
}

// phase is one step of a plan; each builds on those before.
type phase struct {
	title string
	run   func(*bench, context.Context) error
}

var (
	startPhases = []phase{
		{"start members", (*bench).startMembers},
		{"start hub, empty store", (*bench).startHub},
		{"join members", (*bench).join},
		{"rest", (*bench).rest},
	}
	singlePhase = phase{"create one at a time", (*bench).createOneByOne}
	tracePhase  = phase{"trace one", (*bench).traceOne}
	manyPhases  = []phase{
		{"create many", (*bench).createMany},
		{"update many", (*bench).updateMany},
		{"restart hub", (*bench).restart},
		{"delete many", (*bench).deleteMany},
	}
	faultPhase = phase{"faults", (*bench).compareFaults}
)

// Names of figures that have a range in some plan.
const (
	figureStart       = "start to ready, empty store"
	figureRestRSS     = "RSS at rest"
	figureRestCPU     = "CPU at rest"
	figureSingle50    = "one at a time: create to visible in all, p50"
	figureSingle99    = "one at a time: create to visible in all, p99"
	figureCreateRate  = "create: visible in all members"
	figureCreateCPU   = "create: hub CPU per Deployment"
	figureCreateWrite = "create: hub writes per Deployment"
	figureRSS         = "RSS after"
	figureUpdateRate  = "update: new image in all members"
	figureFresh       = "restart: ready to fresh Deployment visible in all"
	figureProbe       = "restart: a change meanwhile to visible in all, slowest"
	figureToIdle      = "restart: ready to idle"
	figureUnchanged   = "restart: unchanged copies written in members"
)

// limitsOfLoad are those of all plans with load; a plan adds its own.
func limitsOfLoad() map[string]*limit {
	return map[string]*limit{
		figureStart: below(5), figureRestRSS: below(350), figureCreateWrite: atMost(5),
		figureFresh: below(1000), figureUnchanged: atMost(0),
	}
}

// plans returns the runs that are asked for.
func (s settings) plans() []plan {
	all := []plan{s.full(), s.api(), s.pods()}
	if s.scale {
		all = []plan{s.load(), s.faults(), s.idle()}
	}
	return slices.DeleteFunc(all, func(p plan) bool { return !slices.Contains(s.runs, p.name) })
}

// full is over members as they are.
func (s settings) full() plan {
	p := plan{
		name: "full", members: "real members with all they run: controllers, scheduler, nodes", history: true,
		deployments: max(1, s.deployments*2/5), // the members take their time
		fleet:       fleet.Config{Count: s.members, Workloads: true}, limits: limitsOfLoad(),
	}
	p.limits[figureSingle50], p.limits[figureSingle99] = below(50), below(250)
	p.phases = slices.Concat(startPhases, []phase{singlePhase, tracePhase}, manyPhases)
	return p
}

// api is over members that only store things, so that three control planes at work do not take the machine from the hub.
func (s settings) api() plan {
	last := "member" + itoa(s.members)
	p := plan{
		name: "api", members: "real members without controllers: API servers only", deployments: s.deployments, history: true,
		fleet: fleet.Config{Count: s.members}, limits: limitsOfLoad(), proxied: []string{last},
	}
	p.limits[figureSingle50], p.limits[figureSingle99] = below(50), below(250)
	p.limits[figureCreateRate], p.limits[figureUpdateRate] = atLeast(60), atLeast(80)
	p.limits[figureCreateCPU], p.limits[figureRSS] = below(12), below(450)
	limitFaults(p.limits, slowFault, deadFault)
	p.phases = slices.Concat(startPhases, []phase{singlePhase}, manyPhases)
	if s.members > 1 {
		p.phases = append(p.phases, faultPhase)
	}
	return p
}

// load is much of everything over simulated members.
func (s settings) load() plan {
	p := plan{
		name: "load", members: "simulated members", deployments: s.deployments,
		fleet: fleet.Config{Simulated: true, Count: s.members, Available: available}, limits: limitsOfLoad(),
	}
	p.limits[figureRSS], p.limits[figureToIdle], p.limits[figureProbe] = below(1024), below(30), below(1000)
	p.phases = slices.Concat(startPhases, []phase{
		singlePhase,
		{"create many", (*bench).createMany},
		{"restart hub", (*bench).restart},
	})
	return p
}

// faults has a slow and a dead one among simulated members.
func (s settings) faults() plan {
	p := plan{
		name: "faults", members: "simulated members", fleet: fleet.Config{Simulated: true, Count: s.members, Available: available},
		limits: map[string]*limit{}, phases: slices.Concat(startPhases, []phase{faultPhase}),
		proxied: []string{"m0000", "m0001"}[:min(2, s.members-1)],
	}
	limitFaults(p.limits, bothFaults)
	return p
}

// idle has many simulated members and nothing to do.
func (s settings) idle() plan {
	return plan{
		name: "idle", members: "simulated members", fleet: fleet.Config{Simulated: true, Count: s.idleMembers},
		limits: map[string]*limit{figureRestRSS: below(1024), figureRestCPU: below(300)},
		phases: startPhases,
	}
}
