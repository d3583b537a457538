/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/manifest"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/render"
)

// render returns the manifest for this member, with every override that exists. It is nil as long as that cannot be said,
// and when an override cannot be applied; after wait, if that is positive, it is to be asked again.
func (j *job) render(tmpl *unstructured.Unstructured) (want *unstructured.Unstructured, wait time.Duration) {
	obj, ok, err := j.cfg.Clusters.GetStore().GetByKey(j.member)
	if err != nil || !ok {
		j.fail("SyncFailed", fmt.Errorf("cluster %s is not known", j.member))
		return nil, 0
	}
	// Template and binding were read before, and the override policies are read after: see policy.Store.Current.
	if !j.cfg.Policies.Current(j.again) {
		return nil, 0
	}
	if j.ungoverned() {
		return nil, 0 // placement sees the same, and hands the template over or takes the claim off
	}
	cops, ops := j.cfg.Policies.Overrides(tmpl.GetNamespace())
	if wait := j.cfg.Policies.Deleted(placement.Matchable(tmpl.GroupVersionKind(), tmpl), cops, ops); wait > 0 {
		return nil, wait
	}
	want, err = j.manifests.Of(manifest.Source{
		Binding: j.binding, Template: tmpl, Cluster: obj.(*clusterv1alpha1.Cluster),
		ClusterOverrides: cops, Overrides: ops, Exists: j.have != nil,
		Autoscaled: j.scaler != "",
	})
	var override *render.OverrideError
	switch {
	case errors.As(err, &override):
		j.fail("ApplyOverridePolicyFailed", err)
		return nil, 0 // no use in trying again before something changes
	case err != nil:
		j.fail("SyncFailed", err)
		return nil, 0 // likewise
	}
	return want, 0
}

// ungoverned reports whether the policy that the binding names as its own is gone. Its overrides may be going, too.
func (j *job) ungoverned() bool {
	claim := binding.ClaimOf(j.binding.Labels, j.binding.Annotations)
	return claim.Name != "" && !j.cfg.Policies.Has(claim)
}
