/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/render"
)

// retainer holds the replicas of a copy whose number the member decides, until an autoscaler there takes them over.
const retainer = "manifold-retained-replicas"

// optOut is the value of the label resourcetemplate.karmada.io/retain-replicas that leaves the number to the hub even if
// an autoscaler in the member scales the copy.
const optOut = "false"

// findScaler looks who decides about the number of replicas in the member. It fails as long as that is not known of a
// copy that exists, whose number might be an autoscaler's.
func (j *job) findScaler(tmpl *unstructured.Unstructured) (ok bool) {
	if j.scale = render.ScalePath(tmpl); j.scale == nil || tmpl.GetLabels()[workv1alpha2.RetainReplicasLabel] == optOut {
		return true
	}
	scaled := member.Scaled{Namespace: tmpl.GetNamespace(), Kind: tmpl.GroupVersionKind().GroupKind(), Name: tmpl.GetName()}
	name, known := j.site.Autoscaler(scaled)
	if !known && j.have != nil {
		j.record(func(e *entry) { e.held = true })
		name, known = j.site.Autoscaler(scaled) // it may have come to be known before that was noted
	}
	j.scaler = name
	return known || j.have == nil
}

// tellScaler says in an event that the number of replicas has changed hands.
func (j *job) tellScaler(handedOver bool) {
	before := j.read().scaler
	switch {
	case j.scaler != "" && handedOver:
		j.cfg.Events.Eventf(j.template(), corev1.EventTypeNormal, "ReplicasRetained",
			"%s: the HorizontalPodAutoscaler %s there decides about the number of replicas; the label %s: %q would leave it to the hub",
			j.member, j.scaler, workv1alpha2.RetainReplicasLabel, optOut)
	case j.scaler == "" && before != "":
		j.cfg.Events.Eventf(j.template(), corev1.EventTypeNormal, "ReplicasEnforced",
			"%s: the HorizontalPodAutoscaler %s does not scale it there any more; the hub decides about the number of replicas", j.member, before)
	}
	j.record(func(e *entry) { e.scaler = j.scaler })
}

// retainReplicas prepares for a manifest that leaves the number of replicas to the member, and reports whether that was
// ours before. To leave the field out means to give it up, and a field that nobody owns falls back to its default, which
// is one replica: so, before that, another manager of ours takes it over at the number it has.
func (j *job) retainReplicas(ctx context.Context, want *unstructured.Unstructured) (handedOver bool, err error) {
	path := j.scale
	if _, sent, _ := unstructured.NestedFieldNoCopy(want.Object, path...); j.have == nil || len(path) == 0 || sent {
		return false, nil
	}
	live, err := j.client.Get(ctx, want.GetName(), metav1.GetOptions{})
	if err != nil {
		return false, fmt.Errorf("read the number of replicas to retain: %w", err)
	}
	n, ok, err := unstructured.NestedInt64(live.Object, path...)
	if err != nil || !ok || !holdsReplicas(live, path) {
		return false, nil // not ours to give up
	}
	hold := &unstructured.Unstructured{Object: map[string]any{}}
	hold.SetGroupVersionKind(want.GroupVersionKind())
	hold.SetNamespace(want.GetNamespace())
	hold.SetName(want.GetName())
	hold.SetUID(live.GetUID())
	if err := unstructured.SetNestedField(hold.Object, n, path...); err != nil {
		return false, err
	}
	if _, err := j.client.Apply(ctx, want.GetName(), hold, metav1.ApplyOptions{FieldManager: retainer}); err != nil {
		return false, fmt.Errorf("retain the number of replicas: %w", err)
	}
	return true, nil
}

// holdsReplicas reports whether our main field manager owns the number of replicas.
func holdsReplicas(live *unstructured.Unstructured, path []string) bool {
	field := []byte(`"f:` + path[len(path)-1] + `"`)
	return slices.ContainsFunc(live.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == FieldManager && f.Operation == metav1.ManagedFieldsOperationApply && f.FieldsV1 != nil &&
			bytes.Contains(f.FieldsV1.GetRawBytes(), field)
	})
}
