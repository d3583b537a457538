/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	slowFault  = "one member slow"
	deadFault  = "one member dead"
	bothFaults = "one member slow, one dead"
	noFault    = "no fault"
	// slowness is what a slow member takes longer for each call.
	slowness = 200 * time.Millisecond
	// In each round so many Deployments are created one at a time, and so many in one go.
	singlesPerRound, burstPerRound = 40, 120
	// much is by how many per cent the other members may be worse off for a fault.
	much = 10
)

// condition is a state of the fleet, with what it did to the members that have no fault.
type condition struct {
	name    string
	begin   func(context.Context) error
	singles []time.Duration // from create to visible in all of them
	rates   []float64       // Deployments per second, one for each round
}

func faultFigures(name string) (single, rate string) {
	return "with " + name + ": p50 of the others, longer by", "with " + name + ": rate of the others, less by"
}

func limitFaults(limits map[string]*limit, names ...string) {
	for _, name := range names {
		single, rate := faultFigures(name)
		limits[single], limits[rate] = below(much), below(much)
	}
}

// conditions returns what is compared; the first one is without fault.
func (b *bench) conditions() []*condition {
	slow := func(name string) func(context.Context) error {
		return func(ctx context.Context) error { return b.fleet.Slow(ctx, name, slowness) }
	}
	dead := func(name string) func(context.Context) error {
		return func(ctx context.Context) error { return b.fleet.Fail(ctx, name) }
	}
	none := &condition{name: noFault, begin: func(context.Context) error { return nil }}
	if len(b.proxied) < 2 {
		return []*condition{none, {name: slowFault, begin: slow(b.proxied[0])}, {name: deadFault, begin: dead(b.proxied[0])}}
	}
	both := func(ctx context.Context) error {
		if err := slow(b.proxied[0])(ctx); err != nil {
			return err
		}
		return dead(b.proxied[1])(ctx)
	}
	return []*condition{none, {name: bothFaults, begin: both}}
}

// compareFaults measures what a slow and a dead member do to the others, in turns with none, so that what else the machine
// does falls on all alike.
func (b *bench) compareFaults(ctx context.Context) error {
	all := b.conditions()
	for round := range b.faultRounds {
		for i, c := range all {
			if err := b.underCondition(ctx, c, fmt.Sprintf("r%dc%d", round, i)); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	for _, c := range all {
		b.report.add("with "+c.name+": one at a time, p50 of the others", milliseconds(percentile(c.singles, 50)), "ms")
		b.report.add("with "+c.name+": rate of the others", median(c.rates), "/s")
	}
	for _, c := range all[1:] {
		single, rate := faultFigures(c.name)
		b.report.add(single, percentMore(percentile(c.singles, 50).Seconds(), percentile(all[0].singles, 50).Seconds()), "%")
		b.report.add(rate, -percentMore(median(c.rates), median(all[0].rates)), "%")
	}
	return nil
}

// percentMore is by how many per cent a value is higher than another.
func percentMore(value, from float64) float64 { return (value/from - 1) * 100 }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// underCondition adds to what is known of c, and leaves the fleet whole and at rest.
func (b *bench) underCondition(ctx context.Context, c *condition, prefix string) error {
	others := slices.DeleteFunc(b.fleet.Names(), func(name string) bool { return slices.Contains(b.proxied, name) })
	if err := c.begin(ctx); err != nil {
		return err
	}
	singles, many := names(prefix+"-single", singlesPerRound), names(prefix+"-many", burstPerRound)
	took, err := b.oneByOne(ctx, singles, others)
	if err != nil {
		return err
	}
	c.singles = append(c.singles, took...)
	begin := time.Now()
	seen := b.board.expect(many, others, visible)
	if err := b.each(ctx, many, b.create); err != nil {
		return err
	}
	if err := seen.wait(ctx); err != nil {
		return err
	}
	c.rates = append(c.rates, float64(len(many))/seen.last().Sub(begin).Seconds())
	for _, name := range b.proxied {
		if err := b.fleet.Heal(ctx, name); err != nil {
			return err
		}
	}
	made := slices.Concat(singles, many)
	if err := b.board.expect(made, b.fleet.Names(), b.done(firstImage)).wait(ctx); err != nil {
		return fmt.Errorf("after the fault: %w", err)
	}
	return b.remove(ctx, made)
}
