/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy_test

import (
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/randfill"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// newFiller fills specs as the bytes choose. Its words are such that many policies are valid, and that they meet the
// templates and clusters here; now and then one is wrong.
func newFiller(choices []byte) *randfill.Filler {
	return randfill.NewFromGoFuzz(choices).NilChance(.4).NumElements(0, 3).Funcs(
		oneOf("", "a", "b", "x", "web"),
		oneOf[policyv1alpha1.PreemptionBehavior]("", "", policyv1alpha1.PreemptNever, policyv1alpha1.PreemptAlways),
		oneOf[policyv1alpha1.ConflictResolution]("", policyv1alpha1.ConflictAbort, policyv1alpha1.ConflictOverwrite),
		oneOf[policyv1alpha1.ActivationPreference]("", policyv1alpha1.LazyActivation),
		oneOf(policyv1alpha1.KubePriorityClass),
		oneOf[policyv1alpha1.PurgeMode]("", policyv1alpha1.PurgeModeDirectly, policyv1alpha1.PurgeModeGracefully),
		oneOf[policyv1alpha1.SpreadFieldValue]("", policyv1alpha1.SpreadByFieldCluster, policyv1alpha1.SpreadByFieldRegion, policyv1alpha1.SpreadByFieldZone),
		oneOf[policyv1alpha1.ReplicaSchedulingType]("", policyv1alpha1.ReplicaSchedulingTypeDivided, policyv1alpha1.ReplicaSchedulingTypeDuplicated),
		oneOf[policyv1alpha1.ReplicaDivisionPreference]("", policyv1alpha1.ReplicaDivisionPreferenceAggregated, policyv1alpha1.ReplicaDivisionPreferenceWeighted),
		oneOf[policyv1alpha1.DynamicWeightFactor]("", policyv1alpha1.DynamicWeightByAvailableReplicas),
		oneOf(policyv1alpha1.OverriderOpAdd, policyv1alpha1.OverriderOpRemove, policyv1alpha1.OverriderOpReplace),
		oneOf(policyv1alpha1.ImageComponentRegistry, policyv1alpha1.ImageComponentRepository, policyv1alpha1.ImageComponentTag),
		oneOf(metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist),
		oneOf(corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn),
		oneOf("", corev1.TolerationOpEqual, corev1.TolerationOpExists),
		oneOf(0, 1, 2, 3),
		oneOf[int32](0, 1, 2, 600),
		oneOf[int64](1, 2, 3, 1<<62),
		fillSelector, fillAffinity, fillRequirement, fillPlaintext, fillField, fillFailover,
		func(v *apiextensionsv1.JSON, c randfill.Continue) {
			pick(&v.Raw, c, nil, []byte(`1`), []byte(`"x"`), []byte(`null`), []byte(`{"b":[1]}`), []byte(`[{"name":"b"}]`))
		},
	)
}

// oneOf fills values of a type with one of those.
func oneOf[T any](values ...T) func(*T, randfill.Continue) {
	return func(v *T, c randfill.Continue) { pick(v, c, values...) }
}

func pick[T any](v *T, c randfill.Continue, values ...T) { *v = values[c.Intn(len(values))] }

func fillSelector(s *policyv1alpha1.ResourceSelector, c randfill.Continue) {
	pick(&s.APIVersion, c, "apps/v1", "v1")
	s.Kind = map[string]string{"apps/v1": "Deployment", "v1": "ConfigMap"}[s.APIVersion]
	pick(&s.Namespace, c, "", "", "shop")
	pick(&s.Name, c, "web", "")
	c.Fill(&s.LabelSelector)
}

func fillAffinity(a *policyv1alpha1.ClusterAffinity, c randfill.Continue) {
	pick(&a.ClusterNames, c, nil, nil, []string{"m1"}, []string{"m1", "m2"}, []string{"m3", "m2"}, []string{"m9"})
	pick(&a.ExcludeClusters, c, nil, nil, []string{"m1"}, []string{"m3", "m9"})
	c.Fill(&a.LabelSelector)
	c.Fill(&a.FieldSelector)
}

func fillRequirement(r *corev1.NodeSelectorRequirement, c randfill.Continue) {
	pick(&r.Key, c, "provider", "region", "zone")
	c.Fill(&r.Operator)
	c.Fill(&r.Values)
}

func fillPlaintext(p *policyv1alpha1.PlaintextOverrider, c randfill.Continue) {
	pick(&p.Path, c, "/spec/replicas", "/metadata/labels", "/metadata/labels/a", "/metadata/name", "/data", "/data/x",
		"/spec/template/spec/containers/0/env", "/spec/template/spec/containers/-", "/spec/template/spec/containers/9", "/a~0b/~1", "/", "x")
	c.Fill(&p.Operator)
	c.Fill(&p.Value)
}

func fillField(f *policyv1alpha1.FieldOverrider, c randfill.Continue) {
	pick(&f.FieldPath, c, "/data/x", "/data/y", "/spec/replicas", "/nowhere")
	var sub policyv1alpha1.JSONPatchOperation
	pick(&sub.SubPath, c, "/a", "/a/b", "/a/b/0", "/a/b/-", "/c")
	c.Fill(&sub.Operator)
	if sub.Operator != policyv1alpha1.OverriderOpRemove {
		c.Fill(&sub.Value)
	}
	if c.Bool() {
		f.JSON = []policyv1alpha1.JSONPatchOperation{sub}
	} else {
		f.YAML = []policyv1alpha1.YAMLPatchOperation{policyv1alpha1.YAMLPatchOperation(sub)}
	}
}

// fillFailover leaves out what is seldom valid by chance and decides nothing yet.
func fillFailover(f *policyv1alpha1.FailoverBehavior, c randfill.Continue) { c.Fill(&f.Cluster) }
