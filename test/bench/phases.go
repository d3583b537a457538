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

// comparing is ample time for a new hub to compare everything in the members with what should be there.
const comparing = 10 * time.Second

// createOneByOne measures how soon a create is visible in all members while nothing else goes on: the next one is
// created when the one before runs everywhere.
func (b *bench) createOneByOne(ctx context.Context) error {
	all := names("single", b.oneAtATime)
	var took []time.Duration
	for _, name := range all {
		seen := b.board.expect([]string{name}, b.memberNames(), visible)
		done := b.board.expect([]string{name}, b.memberNames(), rolledOut(firstImage, b.replicas))
		if err := b.create(ctx, name); err != nil {
			return err
		}
		returned := time.Now()
		if err := seen.wait(ctx); err != nil {
			return err
		}
		took = append(took, max(0, seen.last().Sub(returned)))
		if err := done.wait(ctx); err != nil {
			return err
		}
	}
	for _, p := range []float64{50, 95, 99} {
		allowed := map[float64]*limit{50: below(100)}[p]
		b.report.add(fmt.Sprintf("one at a time: create to visible in all, p%.0f", p), milliseconds(percentile(took, p)), "ms", allowed)
	}
	return b.remove(ctx, all)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// remove deletes Deployments and returns when nothing reminds of them.
func (b *bench) remove(ctx context.Context, all []string) error {
	away := b.board.expect(all, append(b.memberNames(), hubName), gone)
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
		{"create", reaches(onHub, rolledOut(firstImage, b.replicas*b.settings.members), b.create)},
		{"update", reaches(onHub, rolledOut(secondImage, b.replicas*b.settings.members), b.setImage)},
		{"delete", reaches(append(b.memberNames(), hubName), gone, b.delete)},
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
	all := names("many", b.deployments)
	stopProfile := b.startProfile(ctx)
	defer func() { _ = stopProfile() }() // only waits: its error is returned below, unless there is another one
	from, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	seen := b.board.expect(all, b.memberNames(), visible)
	reported := b.board.expect(all, []string{hubName}, rolledOut(firstImage, b.replicas*b.settings.members))
	if err := b.each(ctx, all, b.create); err != nil {
		return err
	}
	if err := seen.wait(ctx); err != nil {
		return err
	}
	b.rate("create: visible in all members", all, from.at, seen)
	if err := reported.wait(ctx); err != nil {
		return err
	}
	b.rate("create: reported available on the hub", all, from.at, reported)
	if err := stopProfile(); err != nil { // before the history is read, which leaves its marks in the memory
		return err
	}
	to, err := b.price(ctx, "create", from, len(all), atMost(5))
	if err != nil {
		return err
	}
	b.report.add("RSS after", to.rss, "MiB", nil)
	return nil
}

// rate reports how many Deployments a second reached a goal, end to end.
func (b *bench) rate(name string, all []string, begin time.Time, reached *goal) {
	b.report.add(name, float64(len(all))/reached.last().Sub(begin).Seconds(), "/s", nil)
}

// price waits until everything that the phase has caused is done, and reports what it cost the hub.
func (b *bench) price(ctx context.Context, phase string, from reading, items int, allowedWrites *limit) (reading, error) {
	if err := b.settle(ctx); err != nil {
		return reading{}, err
	}
	to, err := b.hub.read(ctx)
	if err != nil {
		return to, err
	}
	cpu, writes := b.cost(from, to, items)
	b.report.add(phase+": hub CPU per Deployment", milliseconds(cpu), "ms", nil)
	b.report.add(phase+": hub writes per Deployment", writes, "", allowedWrites)
	return to, b.countWrites(ctx, phase, from, to, items)
}

func (b *bench) updateMany(ctx context.Context) error {
	all := names("many", b.deployments)
	from, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	seen := b.board.expect(all, b.memberNames(), runs(secondImage))
	reported := b.board.expect(all, []string{hubName}, rolledOut(secondImage, b.replicas*b.settings.members))
	if err := b.each(ctx, all, b.setImage); err != nil {
		return err
	}
	if err := seen.wait(ctx); err != nil {
		return err
	}
	b.rate("update: new image in all members", all, from.at, seen)
	if err := reported.wait(ctx); err != nil {
		return err
	}
	b.rate("update: reported available on the hub", all, from.at, reported)
	_, err = b.price(ctx, "update", from, len(all), nil)
	return err
}

// restart measures how soon a hub with much in it is of use again, and whether it leaves alone what is as it should be.
func (b *bench) restart(ctx context.Context) error {
	before := b.board.versions(b.memberNames())
	begin := time.Now()
	if err := b.hub.stop(); err != nil {
		return err
	}
	b.report.add("restart: stop", time.Since(begin).Seconds(), "s", nil)
	took, err := b.hub.start(ctx)
	if err != nil {
		return err
	}
	ready := time.Now()
	const fresh = "fresh"
	seen := b.board.expect([]string{fresh}, b.memberNames(), visible)
	if err := b.create(ctx, fresh); err != nil {
		return err
	}
	if err := seen.wait(ctx); err != nil {
		return err
	}
	if err := pause(ctx, comparing); err != nil {
		return err
	}
	if err := b.settle(ctx); err != nil {
		return err
	}
	after := b.board.versions(b.memberNames())
	written := 0
	for p, version := range before {
		if after[p] != version {
			written++
		}
	}
	to, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	b.report.add("restart: start to ready", took.Seconds(), "s", nil)
	b.report.add("restart: ready to fresh Deployment visible in all", milliseconds(seen.last().Sub(ready)), "ms", nil)
	b.report.add("restart: unchanged copies written in members", float64(written), fmt.Sprintf("of %d", len(before)), atMost(0))
	b.report.add("restart: RSS after", to.rss, "MiB", nil)
	return nil
}

func (b *bench) deleteMany(ctx context.Context) error {
	all := names("many", b.deployments)
	from, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	away := b.board.expect(all, b.memberNames(), gone)
	if err := b.each(ctx, all, b.delete); err != nil {
		return err
	}
	if err := away.wait(ctx); err != nil {
		return err
	}
	b.rate("delete: gone in all members", all, from.at, away)
	_, err = b.price(ctx, "delete", from, len(all), nil)
	return err
}
