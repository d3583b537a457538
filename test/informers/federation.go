/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/test/apitest"
	"github.com/manifold-k8s/manifold/test/fault"
	"github.com/manifold-k8s/manifold/test/members"
)

// federation is a hub with members behind proxies, and a client-go program at the hub, behind another one.
type federation struct {
	out      io.Writer
	seed     uint64
	ledger   *ledger
	audience *audience
	hub      *apitest.Hub
	set      *members.Set
	front    *fault.Proxy // between the informers and the hub
	stations []*station

	mu sync.Mutex // of out
}

// found starts everything but load and faults. The caller has to close it, also after an error.
func (f *federation) found(ctx context.Context, dir string, count int, pause time.Duration) error {
	f.ledger = newLedger()
	var all []*apitest.Member
	g, starting := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		f.set, all, err = apitest.StartMembers(starting, members.Config{Count: count, Dir: filepath.Join(dir, "members")})
		return err
	})
	g.Go(func() (err error) { f.hub, err = apitest.StartHub(starting, filepath.Join(dir, "hub")); return err })
	if err := g.Wait(); err != nil {
		return err
	}
	for i, m := range all {
		s := &station{member: m, writer: newWriter(m, f.ledger, f.seed+uint64(i), pause)}
		f.stations = append(f.stations, s)
		if err := s.writer.furnish(ctx); err != nil {
			return fmt.Errorf("furnish %s: %w", m.Name, err)
		}
		if err := f.join(ctx, s); err != nil {
			return fmt.Errorf("join %s: %w", m.Name, err)
		}
	}
	cfg, err := f.throughFront(ctx)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	f.audience, err = newAudience(client, f.ledger)
	return err
}

// join joins a member through a proxy.
func (f *federation) join(ctx context.Context, s *station) (err error) {
	if s.proxy, err = fault.New(s.member.Config, f.seed); err != nil {
		return err
	}
	api, cfg := *s.member.API, *s.member.Config
	cfg.Host, cfg.CAData = s.proxy.URL, s.proxy.CA
	api.Config = &cfg
	return f.hub.Enrol(ctx, &apitest.Member{API: &api, Server: s.member.Server})
}

// throughFront returns the access of the informers to the hub. It has a token, as the proxy ends TLS.
func (f *federation) throughFront(ctx context.Context) (_ *rest.Config, err error) {
	if f.front, err = fault.New(f.hub.Config, f.seed); err != nil {
		return nil, err
	}
	token, err := (&apitest.Member{API: f.hub.API}).Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("make an account for the informers: %w", err)
	}
	return &rest.Config{Host: f.front.URL, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{CAData: f.front.CA}}, nil
}

func (f *federation) close() {
	if f.front != nil {
		f.front.Close()
	}
	if f.hub != nil {
		f.hub.Kill()
	}
	for _, s := range f.stations {
		if s.proxy != nil {
			s.proxy.Close()
		}
	}
	if f.set != nil {
		f.set.Close()
	}
}

func (f *federation) say(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(f.out, format+"\n", args...)
}

// watch runs the informers under load and faults for about d, lets everything come to rest, and judges. Violations are in
// the report; an error says that it could not be found out.
func (f *federation) watch(ctx context.Context, d time.Duration) (tally, []string, error) {
	ctx, cancel := context.WithCancel(ctx)
	var listening sync.WaitGroup
	defer listening.Wait()
	defer cancel()
	listening.Go(func() { f.audience.run(ctx) })

	if err := f.disturb(ctx, d); err != nil {
		return tally{}, nil, err
	}
	if err := f.settled(ctx); err != nil {
		t, wrong := f.ledger.judge()
		return t, append(wrong, f.audience.odd...), err
	}
	if err := f.dismiss(ctx, f.stations[len(f.stations)-1]); err != nil {
		return tally{}, nil, err
	}
	t, wrong := f.ledger.judge()
	return t, append(wrong, f.audience.odd...), nil
}

// disturb writes and lets members fail until d has passed and every member has failed once.
func (f *federation) disturb(ctx context.Context, d time.Duration) error {
	g, ctx := errgroup.WithContext(ctx)
	over, quiet := make(chan struct{}), make(chan struct{})
	for _, s := range f.stations {
		g.Go(func() error { return s.writer.run(ctx, quiet) })
	}
	g.Go(func() error {
		defer close(quiet) // the load goes on until the last fault is over
		if err := apitest.Await(patience, func() error { return f.begun(ctx) }); err != nil {
			return err
		}
		troubles, ctx := errgroup.WithContext(ctx)
		for i, s := range f.stations {
			troubles.Go(func() error { return f.trouble(ctx, s, i, f.seed+uint64(i), over) })
		}
		troubles.Go(func() error { return f.interrupt(ctx, over) })
		troubles.Go(func() error { defer close(over); return wait(ctx, d) })
		return troubles.Wait()
	})
	return g.Wait()
}

// begun returns an error until the informers have something of every kind of every member.
func (f *federation) begun(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil // the caller sees it
	}
	if !f.audience.synced() {
		return errors.New("the informers have not synced")
	}
	store, err := f.audience.holds()
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for o := range store {
		there[o.cluster+o.kind] = true
	}
	for _, s := range f.stations {
		for _, kind := range []string{pods, nodes} {
			if !there[s.member.Name+kind] {
				return fmt.Errorf("the informers have no %s of %s", kind, s.member.Name)
			}
		}
	}
	return nil
}

// settled returns when the informers hold what the members do.
func (f *federation) settled(ctx context.Context) error {
	want := map[object]held{}
	for _, s := range f.stations {
		have, err := truth(ctx, s.member)
		if err != nil {
			return fmt.Errorf("read %s: %w", s.member.Name, err)
		}
		for o, h := range have {
			want[o] = h
		}
	}
	if err := apitest.Await(patience, func() error { return f.equal(want) }); err != nil {
		return fmt.Errorf("the informers do not hold what the members do: %w", err)
	}
	f.say("%d objects at the end, the same in the informers and in the members", len(want))
	return nil
}

func (f *federation) equal(want map[object]held) error {
	have, err := f.audience.holds()
	if err != nil {
		return err
	}
	if d := differences(have, want); len(d) > 0 {
		return fmt.Errorf("%d differences, the first: %s", len(d), d[0])
	}
	return nil
}

// dismiss deletes the Cluster of a member: its objects must be told of as deleted, and nothing else.
func (f *federation) dismiss(ctx context.Context, s *station) error {
	name := s.member.Name
	rest, err := f.audience.holds()
	if err != nil {
		return err
	}
	for o, h := range rest {
		if o.cluster == name {
			delete(rest, o)
			f.ledger.ended(h.uid, deed{edition: h.edition, sent: time.Now(), done: time.Now()})
		}
	}
	if err := f.hub.Manifold.ClusterV1alpha1().Clusters().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err := apitest.Await(patience, func() error { return f.equal(rest) }); err != nil {
		return fmt.Errorf("after %s has left: %w", name, err)
	}
	f.say("%s has left, and its objects with it", name)
	return nil
}
