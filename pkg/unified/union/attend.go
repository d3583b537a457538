/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// attend looks after a feed of a member: it notices that a source does not answer any more although nothing has failed, marks
// the objects of one that stays away, and begins anew when it is back and the reflector does not see it. It returns when ctx
// ends.
func (f *feed) attend(ctx context.Context) {
	var failed time.Time // when the latest check began that failed
	var asked time.Time  // when the latest check began
	answers := make(chan error, 1)
	asking := false
	for {
		due := f.markIfAway()
		if check := f.checkDue(asked); !asking && !check.IsZero() {
			if now := f.u.cfg.Clock.Now(); !now.Before(check) {
				asking, asked = true, now
				go func() { answers <- f.ask(ctx) }()
			} else if due.IsZero() || check.Before(due) {
				due = check
			}
		}
		timer, stop := f.timer(due)
		select {
		case <-ctx.Done():
			stop()
			if asking {
				<-answers
			}
			return
		case <-timer:
		case <-f.poke:
		case err := <-answers:
			asking = false
			switch {
			case ctx.Err() != nil:
			case err != nil:
				failed = asked
				f.u.attempted(f, asked)
			default:
				f.answered(failed)
			}
		}
		stop()
	}
}

// timer returns a channel on which something comes at a time; nothing ever does if that is zero.
func (f *feed) timer(at time.Time) (<-chan time.Time, func()) {
	if at.IsZero() {
		return nil, func() {}
	}
	t := f.u.cfg.Clock.NewTimer(max(0, at.Sub(f.u.cfg.Clock.Now())))
	return t.C(), func() { t.Stop() }
}

// markIfAway marks the objects of a member that has been failing for long enough. Otherwise it returns when that may be due,
// zero if it is not expected.
func (f *feed) markIfAway() time.Time {
	u := f.u
	u.mu.Lock()
	defer u.mu.Unlock()
	p := u.state.parts[f.cluster]
	if p == nil || p.feed != f || !p.failed || !p.synced || !p.stale.IsZero() {
		return time.Time{}
	}
	due := p.since.Add(u.pace.away)
	if u.cfg.Clock.Now().Before(due) {
		return due
	}
	u.state.mark(p, p.heard)
	u.moved.fire()
	return time.Time{}
}

// checkDue returns when the source should be asked whether it is there. asked is when it was the last time.
func (f *feed) checkDue(asked time.Time) time.Time {
	u := f.u
	u.mu.RLock()
	defer u.mu.RUnlock()
	p := u.state.parts[f.cluster]
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case p == nil || p.feed != f || f.source == nil || f.absent:
		return time.Time{}
	case p.failed:
		return asked.Add(u.pace.recheck)
	case p.heard.After(f.began):
		return p.heard.Add(u.pace.check)
	}
	return f.began.Add(u.pace.check)
}

// ask reads one object of the source, from its store and not from a cache in front of it. That there is no such resource is
// an answer as well, and so is that the source is busy.
func (f *feed) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, f.u.pace.checkTimeout)
	defer cancel()
	f.mu.Lock()
	source := f.source
	f.mu.Unlock()
	if _, err := source.ListWithContext(ctx, metav1.ListOptions{Limit: 1}); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsTooManyRequests(err) {
		return err
	}
	return nil
}

// answered notes that the source is there. failed is when the latest check began that failed: a request that is older, and
// not answered yet, or a watch, may have been lost in between, and the feed is replaced.
func (f *feed) answered(failed time.Time) {
	u := f.u
	u.mu.Lock()
	defer u.mu.Unlock()
	p := u.state.parts[f.cluster]
	if p == nil || p.feed != f {
		return
	}
	f.mu.Lock()
	lost := f.began.Before(failed)
	f.mu.Unlock()
	if p.failed && lost {
		u.start(p)
		return
	}
	if !p.failed {
		p.heard = u.cfg.Clock.Now()
	}
}
