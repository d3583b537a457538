/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// Grace is how long nothing is sent of what an override policy applied to, once it is deleted. Whoever deletes an
// override together with its propagation policy or its template does so one by one, in any order, and members must not
// get the bare template in between. One kubectl delete -f takes milliseconds, a GitOps tool that prunes an application
// a second or so.
const Grace = 3 * time.Second

// Deleted returns for how long a template is to be left as it is in the members, because an override policy that
// applied to it has just been deleted; 0 for not at all. cops and ops are the override policies as Overrides has
// returned them, which the decision is about: a policy among them has not gone, or has come back.
func (s *Store) Deleted(t match.Template, cops []*policyv1alpha1.ClusterOverridePolicy, ops []*policyv1alpha1.OverridePolicy) time.Duration {
	if s.departed.none() {
		return 0
	}
	there := map[types.NamespacedName]bool{}
	for _, p := range cops {
		there[types.NamespacedName{Name: p.Name}] = p.DeletionTimestamp == nil
	}
	for _, p := range ops {
		there[types.NamespacedName{Namespace: p.Namespace, Name: p.Name}] = p.DeletionTimestamp == nil
	}
	return s.departed.hold(t, there)
}

// departures are the override policies that were deleted within the last Grace.
type departures struct {
	clock clock.PassiveClock
	count atomic.Int64 // len(of)

	mu sync.Mutex
	of map[types.UID]departure
}

type departure struct {
	overrider
	at time.Time
}

// overrider is an override policy.
type overrider struct {
	uid      types.UID
	selects  Selection
	deleting bool
}

func newDepartures(clock clock.PassiveClock) *departures {
	return &departures{clock: clock, of: map[types.UID]departure{}}
}

func (d *departures) none() bool { return d.count.Load() == 0 }

// hold returns for how long a template has to wait. A policy that is there again under its name has not gone.
func (d *departures) hold(t match.Template, there map[types.NamespacedName]bool) (wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.clock.Now()
	for uid, gone := range d.of {
		left := Grace - now.Sub(gone.at)
		name := types.NamespacedName{Namespace: gone.selects.Namespace, Name: gone.selects.Name}
		switch {
		case left <= 0:
			delete(d.of, uid)
		case !there[name] && gone.selects.Covers(t):
			wait = max(wait, left)
		}
	}
	d.count.Store(int64(len(d.of)))
	return wait
}

// add notes a departure, once.
func (d *departures) add(o overrider) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, noted := d.of[o.uid]; !noted {
		d.of[o.uid] = departure{o, d.clock.Now()}
		d.count.Store(int64(len(d.of)))
	}
}

// note returns the source, such that whoever reads from it learns of a departure no earlier than d does. known is what the
// reader has.
func (d *departures) note(source *local.Source, known func() cache.Store) *local.Source {
	return &local.Source{Written: source.Written, ListWatch: &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list, err := source.ListWithContext(ctx, o)
			if err != nil {
				return nil, err
			}
			return list, d.listed(list, known().List())
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			w, err := source.WatchWithContext(ctx, o)
			if err != nil {
				return nil, err
			}
			return watch.Filter(w, func(e watch.Event) (watch.Event, bool) {
				d.happened(e, known())
				return e, true
			}), nil
		},
	}}
}

// happened follows a watch. What has finalizers departs when its deletion begins, which is told only once.
func (d *departures) happened(e watch.Event, known cache.Store) {
	now, ok := overriderOf(e.Object)
	if !ok || e.Type != watch.Deleted && (e.Type != watch.Modified || !now.deleting) {
		return
	}
	obj, _, err := known.Get(e.Object)
	if before, there := overriderOf(obj); err != nil || !there || before.uid != now.uid || !before.deleting {
		d.add(now)
	}
}

// listed finds what has departed while nobody watched. What is on another page of the list does not count as gone for
// long: it is there when it is asked for.
func (d *departures) listed(list runtime.Object, known []any) error {
	alive := map[types.UID]bool{}
	err := meta.EachListItem(list, func(obj runtime.Object) error {
		if o, ok := overriderOf(obj); ok {
			alive[o.uid] = !o.deleting
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range known {
		if o, ok := overriderOf(k); ok && !o.deleting && !alive[o.uid] {
			d.add(o)
		}
	}
	return nil
}

// overriderOf describes what a source of override policies tells of; it is false for what is no policy.
func overriderOf(obj any) (overrider, bool) {
	selects, ok := SelectionOf(obj)
	p, err := meta.Accessor(obj)
	if !ok || err != nil {
		return overrider{}, false
	}
	return overrider{p.GetUID(), selects, p.GetDeletionTimestamp() != nil}, true
}
