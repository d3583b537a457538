/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/registry/policy"
)

// around is a hub that serves a few kinds and has two members, m1 and m2.
func around(t *testing.T) policy.Surroundings {
	t.Helper()
	skipped, err := match.ParseNamespaces([]string{"private-.*"})
	if err != nil {
		t.Fatal(err)
	}
	kind := func(group, version, kind string, namespaced, objects bool) local.Kind {
		return local.Kind{GroupVersionKind: schema.GroupVersionKind{Group: group, Version: version, Kind: kind}, Namespaced: namespaced, Objects: objects}
	}
	served := []local.Kind{
		kind("", "v1", "Secret", true, true), kind("", "v1", "Namespace", false, true), kind("apps", "v1", "Deployment", true, true),
		kind("authentication.k8s.io", "v1", "TokenReview", false, false), kind("example.com", "v1", "Gadget", true, true),
		kind("example.com", "v2", "Gadget", true, true), kind("rbac.authorization.k8s.io", "v1", "ClusterRole", false, true),
	}
	return policy.Surroundings{
		Skipped: skipped,
		Joined:  func(name string) (joined, known bool) { return name == "m1" || name == "m2", name != "unknown" },
		Kinds: func(version schema.GroupVersion, kind string) ([]local.Kind, bool) {
			named := slices.DeleteFunc(slices.Clone(served), func(k local.Kind) bool { return !strings.EqualFold(k.Kind, kind) })
			return named, version.Group != "aggregated.example.com"
		},
	}
}

// What a policy says in vain is told to whoever writes it, and does not keep it from being written.
func TestAdmissionWarns(t *testing.T) {
	t.Parallel()
	const selector, labels = "spec.resourceSelectors[0]", "spec.resourceSelectors[0].labelSelector"
	cases := map[string]struct {
		kinds, spec string
		want        []string
	}{
		"nothing in vain":        {allKinds, `{resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}, {apiVersion: example.com/v2, kind: Gadget}]}`, nil},
		"kind of nobody":         {allKinds, `{resourceSelectors: [{apiVersion: example.com/v1, kind: Widget}]}`, []string{selector + `: no kind Widget is served in example.com/v1; it is selected as soon as its CustomResourceDefinition exists`}},
		"native kind of nobody":  {allKinds, `{resourceSelectors: [{apiVersion: apps/v1, kind: Widget}]}`, []string{selector + `: no kind Widget is served in apps/v1`}},
		"version of old":         {allKinds, `{resourceSelectors: [{apiVersion: apps/v1beta1, kind: Deployment}]}`, []string{selector + `.apiVersion: Deployment is served in apps/v1, not in apps/v1beta1; apiVersion is compared exactly`}},
		"version to come":        {allKinds, `{resourceSelectors: [{apiVersion: example.com/v3, kind: Gadget}]}`, []string{selector + `.apiVersion: Gadget is served in example.com/v1,example.com/v2, not in example.com/v3; apiVersion is compared exactly`}},
		"group forgotten":        {allKinds, `{resourceSelectors: [{apiVersion: v1, kind: Deployment}]}`, []string{selector + `: no kind Deployment is served in v1; there is Deployment in apps/v1`}},
		"group of somebody else": {allKinds, `{resourceSelectors: [{apiVersion: other.example.com/v1, kind: Secret}]}`, []string{selector + `: no kind Secret is served in other.example.com/v1; there is Secret in v1; it is selected as soon as its CustomResourceDefinition exists`}},
		"kind in small letters":  {allKinds, `{resourceSelectors: [{apiVersion: example.com/v1, kind: gadget}]}`, []string{selector + `: no kind gadget is served in example.com/v1; there is Gadget in example.com/v1,Gadget in example.com/v2`}},
		"kind of another server": {allKinds, `{resourceSelectors: [{apiVersion: aggregated.example.com/v1, kind: Widget}]}`, nil},
		"no version":             {allKinds, `{resourceSelectors: [{apiVersion: a/b/c, kind: Secret}]}`, []string{selector + `.apiVersion: "a/b/c" is not the version of any API, so nothing is selected; it would be group/version, or v1`}},
		"question":               {"cpp cop", `{resourceSelectors: [{apiVersion: authentication.k8s.io/v1, kind: TokenReview}]}`, []string{selector + `.kind: of kind TokenReview there are no objects that could be listed, so there is nothing to select`}},
		"cluster-wide":           {"cpp cop", `{resourceSelectors: [{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole}]}`, nil},
		"cluster-wide from a namespace": {"pp", `{resourceSelectors: [{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole}]}`,
			[]string{selector + `: ClusterRole is cluster-wide, and a policy in a namespace selects only there; use a ClusterPropagationPolicy`}},
		"cluster-wide overridden from a namespace": {"op", `{resourceSelectors: [{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole}]}`,
			[]string{selector + `: ClusterRole is cluster-wide, and a policy in a namespace selects only there; use a ClusterOverridePolicy`}},
		"cluster-wide in a namespace": {"cpp cop", `{resourceSelectors: [{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, namespace: bank}]}`,
			[]string{selector + `.namespace: ClusterRole is cluster-wide, so none is in a namespace; leave it out`}},

		"never propagated":           {allKinds, `{resourceSelectors: [{apiVersion: v1, kind: Event}]}`, []string{selector + `: never propagated: events record what happened in one control plane`}},
		"of the federation":          {allKinds, `{resourceSelectors: [{apiVersion: policy.karmada.io/v1alpha1, kind: OverridePolicy}]}`, []string{selector + `: never propagated: objects of this group steer the federation and have no meaning in a member`}},
		"namespace propagated":       {"cpp", `{resourceSelectors: [{apiVersion: v1, kind: Namespace}]}`, []string{selector + `: never propagated: namespaces follow to the members without a policy`}},
		"namespace overridden":       {"cop", `{resourceSelectors: [{apiVersion: v1, kind: Namespace}]}`, nil},
		"built-in roles":             {"cpp", `{resourceSelectors: [{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, labelSelector: {matchLabels: {kubernetes.io/bootstrapping: rbac-defaults}}}]}`, []string{selector + `: never propagated: each cluster makes its own built-in roles`}},
		"certificates of a cluster":  {allKinds, `{resourceSelectors: [{apiVersion: v1, kind: ConfigMap, name: kube-root-ca.crt}]}`, []string{selector + `: never propagated: each cluster publishes its own certificate authority`}},
		"reserved namespace":         {"cpp cop", `{resourceSelectors: [{apiVersion: v1, kind: Secret, namespace: kube-system}]}`, []string{selector + `: never propagated: namespaces kube-* belong to each cluster itself`}},
		"namespace left on the hub":  {"cpp cop", `{resourceSelectors: [{apiVersion: v1, kind: Secret, namespace: private-1}]}`, []string{selector + `.namespace: the server was told to leave namespace private-1 on the hub with all that is in it`}},
		"labels beside a name":       {allKinds, `{resourceSelectors: [{apiVersion: v1, kind: Secret, name: a, labelSelector: {matchLabels: {a: b}}}]}`, []string{labels + `: ignored because name is set`}},
		"labels that contradict":     {allKinds, `{resourceSelectors: [{apiVersion: v1, kind: Secret, labelSelector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: DoesNotExist}]}}]}`, []string{labels + `: nothing can match: label a is to be there and not to be there`}},
		"the second of several":      {"cpp", `{resourceSelectors: [{apiVersion: v1, kind: Secret}, {apiVersion: v1, kind: Event}]}`, []string{`spec.resourceSelectors[1]: never propagated: events record what happened in one control plane`}},
		"clusters that are there":    {propagationKinds, `{placement: {clusterAffinity: {clusterNames: [m1, m2], exclude: [m9]}}, suspension: {dispatchingOnClusters: {clusterNames: [m1]}}}`, nil},
		"a cluster to come":          {propagationKinds, `{placement: {clusterAffinity: {clusterNames: [m1, m9]}}}`, []string{`spec.placement.clusterAffinity.clusterNames: no cluster m9 has joined yet`}},
		"many clusters to come":      {propagationKinds, `{placement: {clusterAffinity: {clusterNames: [a, b, c, d, e, m1]}}}`, []string{`spec.placement.clusterAffinity.clusterNames: no clusters a,b,c,+2 have joined yet`}},
		"a cluster that may be":      {propagationKinds, `{placement: {clusterAffinity: {clusterNames: [unknown]}}}`, nil},
		"a cluster to be suspended":  {propagationKinds, `{suspension: {dispatchingOnClusters: {clusterNames: [m9]}}}`, []string{`spec.suspension.dispatchingOnClusters.clusterNames: no cluster m9 has joined yet`}},
		"a cluster named everywhere": {propagationKinds, `{placement: {clusterAffinities: [{affinityName: a, clusterNames: [m1]}, {affinityName: b, clusterNames: [m9]}], replicaScheduling: {weightPreference: {staticWeightList: [{weight: 1, targetCluster: {clusterNames: [m9]}}, {weight: 1, targetCluster: {clusterNames: [m8]}}]}}}}`, []string{`spec.placement.clusterAffinities[1].clusterNames: no cluster m9 has joined yet`, `spec.placement.replicaScheduling.weightPreference.staticWeightList[1].targetCluster.clusterNames: no cluster m8 has joined yet`}},
		"a cluster to overflow to": {propagationKinds, `{placement: {replicaScheduling: {weightPreference: {dynamicWeight: AvailableReplicas}}, clusterAffinities: [{affinityName: a, clusterNames: [m1], overflowAffinities: [{affinityName: b, clusterNames: [m9]}]}]}}`,
			[]string{`spec.placement.replicaScheduling: the room of a cluster is its total capacity, what runs there is not deducted yet`, `spec.placement.clusterAffinities[0].overflowAffinities[0].clusterNames: no cluster m9 has joined yet`}},
		"all clusters excluded":           {propagationKinds, `{placement: {clusterAffinity: {clusterNames: [m1], exclude: [m2, m1]}}}`, []string{`spec.placement.clusterAffinity.exclude: contains all clusterNames, so no cluster can match`}},
		"labels of clusters contradict":   {propagationKinds, `{placement: {clusterAffinity: {labelSelector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: NotIn, values: [b]}]}}}}`, []string{`spec.placement.clusterAffinity.labelSelector: no cluster can match: label a is to have, and not to have, one of the values b`}},
		"fields of clusters among none":   {propagationKinds, `{placement: {clusterAffinity: {fieldSelector: {matchExpressions: [{key: zone, operator: In}]}}}}`, []string{`spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].values: empty, so no cluster can match; list what zone may be`}},
		"override for a cluster to come":  {overrideKinds, `{overrideRules: [{targetCluster: {clusterNames: [m9]}, overriders: {plaintext: [{path: /a, operator: remove}]}}]}`, []string{`spec.overrideRules[0].targetCluster.clusterNames: no cluster m9 has joined yet`}},
		"override for no cluster":         {overrideKinds, `{overrideRules: null, targetCluster: {clusterNames: [m1], exclude: [m1]}, overriders: {plaintext: [{path: /a, operator: remove}]}}`, []string{`spec.targetCluster.exclude: contains all clusterNames, so no cluster can match`, `spec.targetCluster: deprecated, use overrideRules`, `spec.overriders: deprecated, use overrideRules`}},
		"override of nothing":             {overrideKinds, `{overrideRules: [{overriders: {}}]}`, []string{`spec.overrideRules[0].overriders: empty, so the rule changes nothing`}},
		"override policy without content": {overrideKinds, `{overrideRules: null}`, []string{`spec.overrideRules: there are none, so the policy changes nothing`}},
	}
	d := open(t)
	d.storage.Use(around(t))
	for name, c := range cases {
		for kind := range strings.FieldsSeq(c.kinds) {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				obj := d.manifest(t, kind, "", c.spec)
				got, err := d.create(t.Context(), kind, obj)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, []string(got)); diff != "" {
					t.Errorf("warnings on creation (-want +got):\n%s", diff)
				}
				obj.SetResourceVersion("1")
				got, err = d.update(t.Context(), kind, obj.DeepCopyObject().(metaObject), obj)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, []string(got)); diff != "" {
					t.Errorf("warnings on update (-want +got):\n%s", diff)
				}
			})
		}
	}
}
