/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package works

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

// list answers a list request.
func (v *view) list(sel Selection, stored *workv1alpha1.WorkList, atLeast uint64) (*workv1alpha1.WorkList, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.catchUp()
	if atLeast > v.revision {
		return nil, tooLarge(atLeast, v.revision)
	}
	out := &workv1alpha1.WorkList{TypeMeta: stored.TypeMeta, Items: stored.Items}
	out.ResourceVersion = strconv.FormatUint(v.revision, 10)
	if !v.agrees(sel, stored) {
		// The view of what is stored is a moment behind: what is listed already is told once more.
		out.ResourceVersion = strconv.FormatUint(min(v.revision, revisionOf(stored.ResourceVersion)), 10)
	}
	own := map[types.NamespacedName]bool{}
	for i := range stored.Items {
		own[keyOf(&stored.Items[i])] = true
	}
	out.Items = slices.Clip(out.Items)
	v.computed(sel, func(w *workv1alpha1.Work) {
		if !own[keyOf(w)] {
			out.Items = append(out.Items, *w)
		}
	})
	slices.SortFunc(out.Items, func(a, b workv1alpha1.Work) int {
		if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

// catchUp takes over the store's revision while there is nothing to tell, so that the revisions of lists are not older
// than needed. What has changed and is not told yet gets a later one.
func (v *view) catchUp() { v.revision = max(v.revision, v.seen.Load()) }

// agrees reports whether the view holds the selected stored Works as they are in that list.
func (v *view) agrees(sel Selection, stored *workv1alpha1.WorkList) bool {
	n := 0
	for _, w := range v.stored {
		if sel.has(w) {
			n++
		}
	}
	return n == len(stored.Items) && !slices.ContainsFunc(stored.Items, func(w workv1alpha1.Work) bool {
		have := v.stored[keyOf(&w)]
		return have == nil || have.ResourceVersion != w.ResourceVersion
	})
}

// computed calls f for the selected Works that are computed and not hidden by a stored one. The lock must be held.
func (v *view) computed(sel Selection, f func(*workv1alpha1.Work)) {
	each := func(b *binding.Binding) {
		all, _ := v.source.of(b) // what is not known is not listed
		for _, w := range all {
			if sel.has(w) && v.stored[keyOf(w)] == nil {
				v.stamp(w)
				f(w)
			}
		}
	}
	if cluster, ok := Cluster(sel.Namespace); ok {
		v.source.cfg.Bindings.OfCluster(cluster, each)
		return
	}
	v.source.cfg.Bindings.All(each)
}
