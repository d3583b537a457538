/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/klog/v2"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// settle is how long discovery waits after a change of definitions, so that a batch of them costs one reading.
const settle = 300 * time.Millisecond

// discover reads the served kinds when the member becomes reachable, when its definitions change, and now and then.
func (m *Member) discover(ctx context.Context) {
	for {
		wait := discoverEvery
		if m.Reachable() {
			lists, err := m.served()
			apis := enablements(lists)
			if len(apis) == 0 {
				wait = probeLast
				klog.FromContext(ctx).V(2).Info("Served kinds could not be read", "err", err)
			} else {
				m.update(func(s *State) { s.APIs, s.Complete = apis, err == nil })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-m.stale:
			select {
			case <-ctx.Done():
				return
			case <-time.After(settle):
			}
		case <-time.After(wait):
		}
	}
}

// enablements puts discovery into the form of the Cluster's status: sorted, without subresources.
func enablements(lists []*metav1.APIResourceList) []clusterv1alpha1.APIEnablement {
	out := make([]clusterv1alpha1.APIEnablement, 0, len(lists))
	for _, l := range lists {
		e := clusterv1alpha1.APIEnablement{GroupVersion: l.GroupVersion}
		for _, r := range l.APIResources {
			if !strings.Contains(r.Name, "/") {
				e.Resources = append(e.Resources, clusterv1alpha1.APIResource{Name: r.Name, Kind: r.Kind})
			}
		}
		slices.SortFunc(e.Resources, func(a, b clusterv1alpha1.APIResource) int { return cmp.Compare(a.Name, b.Name) })
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b clusterv1alpha1.APIEnablement) int { return cmp.Compare(a.GroupVersion, b.GroupVersion) })
	return out
}

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// watchDefinitions asks for discovery whenever a custom resource comes, changes or goes.
func (m *Member) watchDefinitions(ctx context.Context) {
	m.reflect(ctx, definitions, "", changes(func() {
		select {
		case m.stale <- struct{}{}:
		default:
		}
	}))
}

// changes is a reflector's store that holds nothing and only says that something has changed.
type changes func()

func (f changes) Add(any) error               { f(); return nil }
func (f changes) Update(any) error            { f(); return nil }
func (f changes) Delete(any) error            { f(); return nil }
func (f changes) Replace([]any, string) error { f(); return nil }
func (f changes) Resync() error               { return nil }

// served lists all kinds in all versions. With an error, the list lacks the groups that the error names.
func (m *Member) served() ([]*metav1.APIResourceList, error) {
	_, lists, err := discovery.ServerGroupsAndResources(m.discovery)
	return lists, err
}
