/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"cmp"
	"context"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// coming is for how many times Config.Patience a list waits for a member whose objects are coming in.
const coming = 8

// await waits, for Config.Patience at most, until the parts of a selection that has begun are up to date. It returns those
// that are not, sorted by cluster. writes says that lately written objects are waited for as well. A member whose first list
// is coming in is waited for longer.
//
// A member that does not answer is not waited for all the time: not longer than Patience from when it failed first, and not
// longer than one attempt to reach it that was begun after this call takes to fail.
func (u *Union) await(ctx context.Context, sel Selection, writes bool) ([]Lag, error) {
	began := u.cfg.Clock.Now()
	for {
		news := u.news.wait()
		until, lags := u.pending(sel, began, writes)
		if until.IsZero() {
			return u.verdict(lags)
		}
		timer := u.cfg.Clock.NewTimer(max(0, until.Sub(u.cfg.Clock.Now())))
		select {
		case <-news:
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			return nil, apierrors.NewTimeoutError("the request ended before the members had answered: "+ctx.Err().Error(), 1)
		}
		timer.Stop()
	}
}

// begin starts what a selection needs. Unless it fails, end must be called when the request has been served.
func (u *Union) begin(sel Selection) error {
	clusters := u.clusters(sel)
	u.mu.Lock()
	if u.state.spawn == nil {
		u.mu.Unlock()
		return u.unavailable()
	}
	u.state.requests++
	u.state.wide = u.state.wide || sel.Clusters == nil
	started := u.ensure(clusters)
	u.mu.Unlock()
	if started {
		u.sweep() // a cluster may have gone before its part was there to hear of it
	}
	return nil
}

// end notes that a request has been served.
func (u *Union) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.state.requests--
	u.state.used = u.cfg.Clock.Now()
}

// clusters are the parts that a selection means and that there are.
func (u *Union) clusters(sel Selection) []string {
	there := append([]string{Hub}, u.cfg.Clusters()...)
	return slices.DeleteFunc(there, func(name string) bool { return !sel.has(name) })
}

// pending returns until when to wait at most for the parts of a selection, zero if not at all, and which are not current.
func (u *Union) pending(sel Selection, began time.Time, writes bool) (until time.Time, lags []Lag) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.cfg.Clock.Now()
	wait := func(t time.Time) {
		if now.Before(t) && t.After(until) {
			until = t
		}
	}
	for name, p := range u.state.parts {
		if !sel.has(name) {
			continue
		}
		if p.current() {
			if t, behind := p.behind(now); behind && writes {
				wait(earlier(t, began.Add(u.cfg.Patience)))
			}
			continue
		}
		lags = append(lags, p.lag())
		switch {
		case name == Hub && !p.synced:
			wait(began.Add(u.cfg.Patience)) // there is no answer without it
		case p.failedAttempt.Before(began):
			wait(earlier(p.since, began).Add(u.cfg.Patience))
			if came := p.feed.came.Load(); !p.synced && came != 0 { // it does answer, with much
				wait(earlier(time.Unix(0, came), began.Add(coming*u.cfg.Patience)).Add(u.cfg.Patience))
			}
		}
	}
	return until, lags
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// verdict turns what is not current into an answer. Without the hub's own objects there is none: who lists them would take
// them for deleted.
func (u *Union) verdict(lags []Lag) ([]Lag, error) {
	slices.SortFunc(lags, func(a, b Lag) int { return cmp.Compare(a.Cluster, b.Cluster) })
	if len(lags) == 0 || lags[0].Cluster != Hub {
		return lags, nil
	}
	if lags[0].Missing {
		return nil, apierrors.NewTimeoutError("what is stored on the hub of "+u.cfg.Resource.Resource+" has not been read yet", 1)
	}
	return lags[1:], nil // it is the process's own store: a moment behind, if at all
}

func (u *Union) unavailable() error {
	return apierrors.NewServiceUnavailable("the objects of " + u.cfg.Resource.Resource + " are not served at present")
}
