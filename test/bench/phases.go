/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// createOneByOne measures how soon a create is visible in all members while nothing else goes on.
func (b *bench) createOneByOne(ctx context.Context) error {
	all := names("single", b.oneAtATime)
	took, err := b.oneByOne(ctx, all, b.fleet.Names())
	if err != nil {
		return err
	}
	for _, p := range []float64{50, 95, 99} {
		b.report.add(fmt.Sprintf("one at a time: create to visible in all, p%.0f", p), milliseconds(percentile(took, p)), "ms")
	}
	return b.remove(ctx, all)
}

// oneByOne creates Deployments, each when the one before runs in all of the clusters, and returns how long each took from the
// return of the create call until it was visible in the last of them.
func (b *bench) oneByOne(ctx context.Context, all, clusters []string) ([]time.Duration, error) {
	var took []time.Duration
	for _, name := range all {
		seen := b.board.expect([]string{name}, clusters, visible)
		done := b.board.expect([]string{name}, clusters, b.done(firstImage))
		if err := b.create(ctx, name); err != nil {
			return nil, err
		}
		returned := time.Now()
		if err := seen.wait(ctx); err != nil {
			return nil, err
		}
		took = append(took, max(0, seen.last().Sub(returned)))
		if err := done.wait(ctx); err != nil {
			return nil, err
		}
	}
	return took, nil
}

// atWork reports whether Deployments become available in the members.
func (b *bench) atWork() bool { return b.plan.fleet.Workloads || b.plan.fleet.Available > 0 }

// done is when a Deployment in a member is as far as it gets.
func (b *bench) done(image string) func(*sighting) bool {
	if !b.atWork() {
		return runs(image)
	}
	return rolledOut(image, b.replicas)
}

// reported is when the hub says the same of all members.
func (b *bench) reported(image string) func(*sighting) bool {
	if !b.atWork() {
		return runs(image)
	}
	return rolledOut(image, b.replicas*b.plan.fleet.Count)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// remove deletes Deployments and returns when nothing reminds of them.
func (b *bench) remove(ctx context.Context, all []string) error {
	away := b.board.expect(all, append(b.fleet.Names(), hubName), gone)
	if err := b.each(ctx, all, b.delete); err != nil {
		return err
	}
	if err := away.wait(ctx); err != nil {
		return err
	}
	return b.settle(ctx)
}

// traceOne records every write that a single Deployment causes: its creation, a new image, its deletion.
func (b *bench) traceOne(ctx context.Context) error {
	const name = "traced"
	reaches := func(clusters []string, met func(*sighting) bool, act func(context.Context, string) error) func(context.Context) error {
		return func(ctx context.Context) error {
			done := b.board.expect([]string{name}, clusters, met)
			if err := act(ctx, name); err != nil {
				return err
			}
			return done.wait(ctx)
		}
	}
	onHub := []string{hubName}
	for _, part := range []struct {
		phase string
		run   func(context.Context) error
	}{
		{"create", reaches(onHub, b.reported(firstImage), b.create)},
		{"update", reaches(onHub, b.reported(secondImage), b.setImage)},
		{"delete", reaches(append(b.fleet.Names(), hubName), gone, b.delete)},
	} {
		if err := b.trace(ctx, part.phase, name, part.run); err != nil {
			return fmt.Errorf("%s: %w", part.phase, err)
		}
	}
	return nil
}

// trace records the writes about an object while run works and until the hub is quiet.
func (b *bench) trace(ctx context.Context, phase, name string, run func(context.Context) error) error {
	from, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	watch, stop := context.WithCancel(ctx)
	defer stop()
	begin := time.Now()
	var watcher errgroup.Group
	watcher.Go(func() error {
		return b.hub.changes(watch, from.revision+1, 0, func(c change) {
			if strings.Contains(c.key, name) {
				b.report.Trace = append(b.report.Trace, stepOf(phase, c, begin))
			}
		})
	})
	err = run(ctx)
	if err == nil {
		err = b.settle(ctx)
	}
	stop()
	return errors.Join(err, watcher.Wait())
}

// createMany measures throughput and cost.
func (b *bench) createMany(ctx context.Context) error {
	all := names("many", b.plan.deployments)
	stopProfile := b.startProfile(ctx, "create", profileTime)
	defer func() { _ = stopProfile() }() // only waits: its error is returned below, unless there is another one
	from, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	seen := b.board.expect(all, b.fleet.Names(), visible)
	reported := b.board.expect(all, []string{hubName}, b.reported(firstImage))
	if err := b.each(ctx, all, b.create); err != nil {
		return err
	}
	if err := seen.wait(ctx); err != nil {
		return err
	}
	b.rate(figureCreateRate, all, from.at, seen)
	if err := reported.wait(ctx); err != nil {
		return err
	}
	b.rateReported("create", all, from.at, reported)
	if err := stopProfile(); err != nil { // before the history is read, which leaves its marks in the memory
		return err
	}
	to, err := b.price(ctx, "create", from, len(all))
	if err != nil {
		return err
	}
	b.report.addMemory(figureRSS, to.memory)
	return b.reportMembers(ctx, len(all))
}

// reportMembers says what the simulated members were asked since they were started, and what they take.
func (b *bench) reportMembers(ctx context.Context, items int) error {
	if !b.plan.fleet.Simulated {
		return nil
	}
	sent, requests, err := b.sent(ctx)
	if err != nil {
		return err
	}
	made := float64((items + b.oneAtATime) * b.plan.fleet.Count) // those that were deleted again cost about as much
	b.report.add("create: writes to members per copy, with one deletion in "+number(float64(items+b.oneAtATime)/float64(b.oneAtATime)), float64(sent)/made, "")
	b.report.add("create: requests to members per copy", float64(requests)/made, "")
	m, err := b.fleet.Memory()
	if err != nil {
		return err
	}
	b.report.add("RSS of the simulated members", m.RSS, "MiB")
	return nil
}

// sent returns how many writes and requests the simulated members got from the hub.
func (b *bench) sent(ctx context.Context) (writes, requests int64, err error) {
	stats, err := b.fleet.Stats(ctx)
	for _, s := range stats {
		writes += s.Sent
		requests += s.Requests
	}
	return writes, requests, err
}

// rate reports how many Deployments a second reached a goal, end to end.
func (b *bench) rate(name string, all []string, begin time.Time, reached *goal) {
	b.report.add(name, float64(len(all))/reached.last().Sub(begin).Seconds(), "/s")
}

// rateReported is rate for what the hub says of the members, if they have anything to say.
func (b *bench) rateReported(phase string, all []string, begin time.Time, reached *goal) {
	if b.atWork() {
		b.rate(phase+": reported available on the hub", all, begin, reached)
	}
}

// price waits until everything that the phase has caused is done, and reports what it cost the hub.
func (b *bench) price(ctx context.Context, phase string, from reading, items int) (reading, error) {
	if err := b.settle(ctx); err != nil {
		return reading{}, err
	}
	to, err := b.hub.read(ctx)
	if err != nil {
		return to, err
	}
	cpu, writes := b.cost(from, to, items)
	b.report.add(phase+": hub CPU per Deployment", milliseconds(cpu), "ms")
	b.report.add(phase+": hub writes per Deployment", writes, "")
	if !b.history {
		return to, nil
	}
	return to, b.countWrites(ctx, phase, from, to, items)
}

func (b *bench) updateMany(ctx context.Context) error {
	all := names("many", b.plan.deployments)
	from, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	seen := b.board.expect(all, b.fleet.Names(), runs(secondImage))
	reported := b.board.expect(all, []string{hubName}, b.reported(secondImage))
	if err := b.each(ctx, all, b.setImage); err != nil {
		return err
	}
	if err := seen.wait(ctx); err != nil {
		return err
	}
	b.rate(figureUpdateRate, all, from.at, seen)
	if err := reported.wait(ctx); err != nil {
		return err
	}
	b.rateReported("update", all, from.at, reported)
	_, err = b.price(ctx, "update", from, len(all))
	return err
}

func (b *bench) deleteMany(ctx context.Context) error {
	all := names("many", b.plan.deployments)
	from, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	away := b.board.expect(all, b.fleet.Names(), gone)
	if err := b.each(ctx, all, b.delete); err != nil {
		return err
	}
	if err := away.wait(ctx); err != nil {
		return err
	}
	b.rate("delete: gone in all members", all, from.at, away)
	_, err = b.price(ctx, "delete", from, len(all))
	return err
}
