/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/manifold-k8s/manifold/test/apitest"
	"github.com/manifold-k8s/manifold/test/fault"
)

const (
	// patience is how long anything may take that is waited for.
	patience = time.Minute
	// brief is how long a fault lasts that shows in nothing that could be waited for.
	brief = 3 * time.Second
)

// failure is one way in which a member, or the way to it, stops working.
type failure struct {
	name string
	// begin and end make and mend it.
	begin, end func(context.Context, *station) error
	// marked says that the member's objects must be marked meanwhile: it does not answer.
	marked bool
}

var failures = []failure{
	{name: "refused", marked: true,
		begin: func(_ context.Context, s *station) error { s.proxy.Refuse(); return nil },
		end:   func(_ context.Context, s *station) error { return s.proxy.Accept() }},
	{name: "restarted", begin: func(ctx context.Context, s *station) error {
		return s.writer.hold(func() error {
			s.member.Server.Stop()
			return s.member.Server.Restart(ctx)
		})
	}, end: nothing},
	{name: "hanging", marked: true, begin: inPlaceOfAnswers(fault.Hang()), end: answersAgain},
	{name: "watches stalled",
		begin: func(_ context.Context, s *station) error { s.proxy.Stall(fault.IsWatch); return nil },
		end:   func(_ context.Context, s *station) error { s.proxy.Resume(); return nil }},
	{name: "error 500", marked: true, begin: inPlaceOfAnswers(fault.Answer(http.StatusInternalServerError, 0)), end: answersAgain},
	{name: "watches cut", begin: func(_ context.Context, s *station) error { s.proxy.Cut(nil); return nil }, end: nothing},
	{name: "stopped", marked: true,
		begin: func(_ context.Context, s *station) error {
			s.writer.mu.Lock() // until the end: nothing can be written meanwhile
			s.member.Server.Stop()
			return nil
		},
		end: func(ctx context.Context, s *station) error {
			defer s.writer.mu.Unlock()
			return s.member.Server.Restart(ctx)
		}},
}

func nothing(context.Context, *station) error { return nil }

func inPlaceOfAnswers(effect fault.Effect) func(context.Context, *station) error {
	return func(_ context.Context, s *station) error {
		s.rule = s.proxy.Add(fault.Rule{Effect: effect})
		s.proxy.Disconnect()
		return nil
	}
}

func answersAgain(_ context.Context, s *station) error {
	s.rule.Remove()
	s.proxy.Disconnect() // of requests that hang
	return nil
}

// station is one member with what belongs to it.
type station struct {
	member *apitest.Member
	proxy  *fault.Proxy // between hub and member
	writer *writer
	rule   *fault.Active // in force during some failures
}

// suffer lets the member fail once, and waits until it is heard of again.
func (f *federation) suffer(ctx context.Context, s *station, x failure) (err error) {
	name, begin := s.member.Name, time.Now()
	dark := f.ledger.darken(name)
	defer func() {
		f.say("%s %s: %v", name, x.name, outcome(err, begin))
	}()
	err = x.begin(ctx, s)
	if err == nil && x.marked {
		if err = apitest.Await(patience, func() error { return f.marked(name, true) }); err != nil {
			err = fmt.Errorf("does not answer, but: %w", err)
		}
	} else if err == nil {
		err = wait(ctx, brief)
	}
	if failed := x.end(ctx, s); err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("%s of %s: %w", x.name, name, err)
	}
	f.ledger.lighten(dark)
	return apitest.Await(patience, func() error {
		if err := ctx.Err(); err != nil {
			return nil
		}
		if !f.ledger.lit(dark) {
			return fmt.Errorf("%s: nothing was heard of %s after it had ended", x.name, name)
		}
		return f.marked(name, false)
	})
}

func outcome(err error, begin time.Time) string {
	took := time.Since(begin).Round(100 * time.Millisecond)
	if err != nil {
		return fmt.Sprintf("%v, %v", took, err)
	}
	return took.String()
}

// marked returns an error unless all objects of the member, or none, are marked as of one that does not answer.
func (f *federation) marked(cluster string, want bool) error {
	store, err := f.audience.holds()
	if err != nil {
		return err
	}
	n := 0
	mine := among(store, cluster)
	for _, h := range mine {
		if h.stale != want {
			n++
		}
	}
	if n > 0 || len(mine) == 0 {
		return fmt.Errorf("%d of %d objects of %s are not as they should be (marked: %v)", n, len(mine), cluster, want)
	}
	return nil
}

// trouble lets a member fail in one way after the other until stop is closed, but once at least, in each way that first
// and the following ones in the list name.
func (f *federation) trouble(ctx context.Context, s *station, first int, seed uint64, stop <-chan struct{}) error {
	random := rand.New(rand.NewPCG(seed, 2))
	for i := first; ; i++ {
		if err := f.suffer(ctx, s, failures[i%len(failures)]); err != nil {
			return err
		}
		select {
		case <-stop:
			return nil
		default:
		}
		if err := wait(ctx, time.Second+time.Duration(random.IntN(5000))*time.Millisecond); err != nil {
			return err
		}
	}
}

// interrupt breaks the connections of the informers to the hub, again and again.
func (f *federation) interrupt(ctx context.Context, stop <-chan struct{}) error {
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-stop:
			f.say("informers cut off %d times", n)
			return nil
		case <-time.After(4 * time.Second):
			f.front.Disconnect()
		}
	}
}

// wait returns after d, or earlier with an error if ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
