/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/manifold-k8s/manifold/test/apitest"
	"github.com/manifold-k8s/manifold/test/fault"
	"github.com/manifold-k8s/manifold/test/members"
)

// arena is the members, which all scenarios share: each has a hub and namespaces of its own.
type arena struct {
	dir     string
	set     *members.Set
	members []*apitest.Member
}

// newArena starts the members, without workloads: what matters here are the objects.
func newArena(ctx context.Context, dir string) (*arena, error) {
	set, all, err := apitest.StartMembers(ctx, members.Config{Names: both, Dir: filepath.Join(dir, "members")})
	if err != nil {
		return nil, fmt.Errorf("start members: %w", err)
	}
	return &arena{dir, set, all}, nil
}

// The groups of templates that every namespace has, with the placement they begin with. Those of the group fixed stay
// where they are and are never deleted.
var groups = map[string]string{"first": "both", "second": "split", fixed: "both"}

const fixed = "fixed"

// federation is a hub with both members joined through proxies, and the books about it.
type federation struct {
	user
	hub        *apitest.Hub
	members    []*apitest.Member // as they are, without proxies
	proxies    map[string]*fault.Proxy
	histories  map[string]*history
	namespaces []string
	strangers  map[string]map[item]stranger // by member
	stop       context.CancelFunc           // of the histories
}

// stranger is an object that somebody else made in a member.
type stranger struct {
	uid     types.UID
	version string
}

// standsInTheWay is the name of a template that the member east has an object of, which is not ours.
const standsInTheWay = "taken"

// found starts a hub with data in a folder of that name, joins the members, and furnishes the namespaces, if any. The
// caller has to close it.
func (a *arena) found(ctx context.Context, name string, seed uint64, namespaces []string, hubArgs ...string) (*federation, error) {
	hub, err := apitest.StartHub(ctx, filepath.Join(a.dir, name), hubArgs...)
	if err != nil {
		return nil, err
	}
	f := &federation{hub: hub, members: a.members, proxies: map[string]*fault.Proxy{}, stop: func() {}}
	f.api = hub.API
	for i, m := range a.members {
		if err := f.join(ctx, m, seed+uint64(i)); err != nil {
			f.close()
			return nil, fmt.Errorf("join %s: %w", m.Name, err)
		}
	}
	if len(namespaces) == 0 {
		return f, nil
	}
	part, err := f.part(ctx, namespaces...)
	if err != nil {
		f.close()
		return nil, err
	}
	return part, nil
}

// part makes namespaces and keeps books of its own about them.
func (f *federation) part(ctx context.Context, namespaces ...string) (*federation, error) {
	p := *f
	p.namespaces, p.ledger = namespaces, newLedger()
	p.histories, p.strangers = map[string]*history{}, map[string]map[item]stranger{}
	watching, stop := context.WithCancel(ctx)
	p.stop = stop
	var err error
	for _, m := range f.members {
		if p.histories[m.Name], err = watchMember(watching, m, namespaces); err != nil {
			stop()
			return nil, err
		}
	}
	if err := p.furnish(ctx); err != nil {
		stop()
		return nil, fmt.Errorf("furnish %v: %w", namespaces, err)
	}
	return &p, nil
}

func (f *federation) close() {
	f.stop()
	f.hub.Kill()
	for _, p := range f.proxies {
		p.Close()
	}
}

// join joins a member through a proxy.
func (f *federation) join(ctx context.Context, m *apitest.Member, seed uint64) error {
	p, err := fault.New(m.Config, seed)
	if err != nil {
		return err
	}
	f.proxies[m.Name] = p
	api, cfg := *m.API, *m.Config
	cfg.Host, cfg.CAData = p.URL, p.CA
	api.Config = &cfg
	return f.hub.Enrol(ctx, &apitest.Member{API: &api, Server: m.Server})
}

// furnish makes the namespaces, what strangers have in them, and the policies.
func (f *federation) furnish(ctx context.Context) error {
	for _, n := range f.namespaces {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: n}}
		if _, err := f.api.Kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for _, m := range f.members {
		f.strangers[m.Name] = map[item]stranger{}
		for _, n := range f.namespaces {
			if err := apitest.Await(time.Minute, func() error { return m.Has(ctx, "namespaces", "", n) }); err != nil {
				return err
			}
			theirs := []item{{configMaps, n, "stranger"}, {deployments, n, "stranger"}}
			if m.Name == east {
				theirs = append(theirs, item{configMaps, n, standsInTheWay})
			}
			for _, i := range theirs {
				if err := f.plant(ctx, m, i); err != nil {
					return err
				}
			}
		}
	}
	for _, n := range f.namespaces {
		for group, placed := range groups {
			if ok, err := f.create(ctx, policyOf(n, group), state{value: placed}, group); !ok || err != nil {
				return fmt.Errorf("create policy %s: %w\n%s", group, err, f.ledger.story(policyOf(n, group)))
			}
		}
		i := item{configMaps, n, standsInTheWay}
		if ok, err := f.create(ctx, i, state{value: "ours"}, fixed); !ok || err != nil {
			return fmt.Errorf("create %s: %w\n%s", i, err, f.ledger.story(i))
		}
	}
	return nil
}

// plant makes an object in a member that is not the hub's business.
func (f *federation) plant(ctx context.Context, m *apitest.Member, i item) error {
	manifest, err := manifestOf(i, state{replicas: 1, value: "theirs"}, "none")
	if err != nil {
		return err
	}
	client, err := m.Objects(resources[i.kind], i.namespace)
	if err != nil {
		return err
	}
	var made *unstructured.Unstructured
	if made, err = client.Create(ctx, manifest, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create %s in %s: %w", i, m.Name, err)
	}
	f.strangers[m.Name][i] = stranger{made.GetUID(), made.GetResourceVersion()}
	return nil
}
