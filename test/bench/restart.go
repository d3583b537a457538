/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// A hub counts as idle when in so many parts of the calm in a row it uses less than that much more processor time than
	// at rest: the changes that are made meanwhile cost something too.
	idleParts  = 3
	idleMargin = 0.15 // seconds per second
	// idlePatience is how long to wait for that.
	idlePatience = 3 * time.Minute
)

// restart measures how soon a hub with much in it is of use again and at rest again, and whether it leaves alone what is as
// it should be.
func (b *bench) restart(ctx context.Context) error {
	before := b.board.versions(b.fleet.Names())
	from, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := b.hub.stop(); err != nil {
		return err
	}
	b.report.add("restart: stop", time.Since(begin).Seconds(), "s")
	stopProfile := b.startProfile(ctx, "restart", profileTime)
	defer func() { _ = stopProfile() }() // only waits: its error is returned below, unless there is another one
	took, err := b.hub.start(ctx)
	if err != nil {
		return err
	}
	b.report.add("restart: start to ready", took.Seconds(), "s")
	ready := time.Now()
	const fresh = "fresh"
	seen := b.board.expect([]string{fresh}, b.fleet.Names(), visible)
	if err := b.create(ctx, fresh); err != nil {
		return err
	}
	if err := seen.wait(ctx); err != nil {
		return err
	}
	b.report.add(figureFresh, milliseconds(seen.last().Sub(ready)), "ms")
	probed, err := b.probeUntilIdle(ctx, ready)
	if err != nil {
		return err
	}
	if err := stopProfile(); err != nil {
		return err
	}
	if err := b.settle(ctx); err != nil {
		return err
	}
	after := b.board.versions(b.fleet.Names())
	unchanged, written := 0, 0
	for p, version := range before {
		if probed[p.name] {
			continue
		}
		unchanged++
		if after[p] != version {
			written++
		}
	}
	b.report.add(figureUnchanged, float64(written), fmt.Sprintf("of %d", unchanged))
	to, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	_, writes := b.cost(from, to, 1)
	b.report.add(fmt.Sprintf("restart: hub writes, with a creation and %d changes of users", len(probed)), max(0, writes), "")
	b.report.addMemory("restart: RSS after", to.memory)
	return nil
}

// probeUntilIdle changes one Deployment after the other until the hub is at rest, and reports how long the slowest change and all of
// it took. It returns the names of those that it changed.
func (b *bench) probeUntilIdle(ctx context.Context, ready time.Time) (map[string]bool, error) {
	all := names("many", b.plan.deployments)
	probed := map[string]bool{}
	var slowest time.Duration
	quiet, since := 0, ready
	part, cpu := time.Now(), b.hub.cpu()
	for i := 0; quiet < idleParts; i++ {
		if time.Since(ready) > idlePatience {
			return nil, fmt.Errorf("the hub is not idle after %v", idlePatience)
		}
		if i < len(all) { // spread over all of them
			name := all[(i*7919)%len(all)]
			probed[name] = true
			took, err := b.probe(ctx, name)
			if err != nil {
				return nil, err
			}
			slowest = max(slowest, took)
		}
		if err := pause(ctx, b.calm/(2*idleParts)); err != nil {
			return nil, err
		}
		if passed := time.Since(part); passed >= b.calm/idleParts {
			used := b.hub.cpu()
			quiet++
			if (used-cpu).Seconds()/passed.Seconds() > b.idleCPU+idleMargin {
				quiet, since = 0, time.Now()
			}
			part, cpu = time.Now(), used
		}
	}
	b.report.add(figureProbe, milliseconds(slowest), "ms")
	b.report.add(figureToIdle, since.Sub(ready).Seconds(), "s")
	return probed, nil
}

// probe gives a Deployment a new image and returns how long that took to be in all members after the call's return.
func (b *bench) probe(ctx context.Context, name string) (time.Duration, error) {
	there := b.board.expect([]string{name}, b.fleet.Names(), runs(thirdImage))
	if err := b.setImageTo(ctx, name, thirdImage); err != nil {
		return 0, err
	}
	returned := time.Now()
	if err := there.wait(ctx); err != nil {
		return 0, err
	}
	return max(0, there.last().Sub(returned)), nil
}
