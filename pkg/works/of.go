/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package works

import (
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/manifest"
)

// Of returns the Work of one target cluster of s.Binding. It is pure, and shares nothing that may change with its
// argument. A manifest that cannot be rendered is left out, and the condition Applied says why. The resource version is
// the highest among what the Work is made of.
func Of(s manifest.Source) *workv1alpha1.Work {
	b := s.Binding
	item := statusOf(b, s.Cluster.Name)
	s.Exists = item != nil && item.Applied
	id := uid(b.UID, s.Cluster.Name)
	w := &workv1alpha1.Work{
		TypeMeta: metav1.TypeMeta{APIVersion: workv1alpha1.SchemeGroupVersion.String(), Kind: "Work"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         Namespace(s.Cluster.Name),
			Name:              nameOf(b),
			UID:               id,
			ResourceVersion:   strconv.FormatUint(revision(s), 10),
			Generation:        b.Generation,
			CreationTimestamp: b.CreationTimestamp,
			Labels:            map[string]string{workv1alpha2.WorkPermanentIDLabel: string(id)},
			Annotations:       map[string]string{},
		},
	}
	if b.Namespace == "" {
		w.Labels[workv1alpha2.ClusterResourceBindingPermanentIDLabel] = binding.PermanentID(b)
		w.Annotations[workv1alpha2.ClusterResourceBindingNameAnnotation] = b.Name
	} else {
		w.Labels[workv1alpha2.ResourceBindingPermanentIDLabel] = binding.PermanentID(b)
		w.Annotations[workv1alpha2.ResourceBindingNamespaceAnnotation] = b.Namespace
		w.Annotations[workv1alpha2.ResourceBindingNameAnnotation] = b.Name
	}
	w.Annotations[workv1alpha2.ConflictResolutionAnnotation] = workv1alpha2.ConflictResolutionAbort
	if manifest.Overwrites(b, s.Template) {
		w.Annotations[workv1alpha2.ConflictResolutionAnnotation] = workv1alpha2.ConflictResolutionOverwrite
	}
	if binding.Suspended(b, s.Cluster.Name) {
		suspended := true
		w.Spec.SuspendDispatching = &suspended
	}
	if p := b.Spec.PreserveResourcesOnDeletion; p != nil {
		preserve := *p
		w.Spec.PreserveResourcesOnDeletion = &preserve
	}
	var failed string
	m, err := manifest.Of(s)
	if err == nil {
		err = setManifest(w, m)
	}
	if err != nil {
		failed = err.Error()
	}
	setStatus(w, b, s.Template, item, failed)
	return w
}

func nameOf(b *binding.Binding) string {
	r := b.Spec.Resource
	return Name(r.Namespace, r.Name, r.Kind)
}

func statusOf(b *binding.Binding, cluster string) *workv1alpha2.AggregatedStatusItem {
	for i := range b.Status.AggregatedStatus {
		if b.Status.AggregatedStatus[i].ClusterName == cluster {
			return &b.Status.AggregatedStatus[i]
		}
	}
	return nil
}

func setManifest(w *workv1alpha1.Work, m *unstructured.Unstructured) error {
	raw, err := json.Marshal(m.Object)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	w.Spec.Workload.Manifests = []runtime.RawExtension{{Raw: raw}}
	return nil
}

// setStatus says of the Work what the binding says of the cluster. failed is why there is no manifest, if there is none.
func setStatus(w *workv1alpha1.Work, b *binding.Binding, tmpl *unstructured.Unstructured, item *workv1alpha2.AggregatedStatusItem, failed string) {
	since := b.CreationTimestamp
	for i := range b.Status.Conditions {
		if c := &b.Status.Conditions[i]; c.Type == workv1alpha2.FullyApplied && !c.LastTransitionTime.IsZero() {
			since = c.LastTransitionTime
		}
	}
	dispatching := metav1.Condition{
		Type: workv1alpha1.WorkDispatching, Status: metav1.ConditionTrue, Reason: workv1alpha1.ReasonDispatching,
		Message: "the manifest is sent to the cluster", LastTransitionTime: since, ObservedGeneration: w.Generation,
	}
	if w.Spec.SuspendDispatching != nil {
		dispatching.Status, dispatching.Reason = metav1.ConditionFalse, workv1alpha1.ReasonSuspendDispatching
		dispatching.Message = "dispatching to this cluster is suspended"
	}
	w.Status.Conditions = []metav1.Condition{dispatching}
	if item == nil && failed == "" {
		return // nothing was tried yet
	}
	applied := metav1.Condition{
		Type: workv1alpha1.WorkApplied, Status: metav1.ConditionTrue, Reason: workv1alpha1.ReasonAppliedSuccessful,
		Message: "the cluster holds the manifest", LastTransitionTime: since, ObservedGeneration: w.Generation,
	}
	if failed != "" || !item.Applied {
		applied.Status, applied.Reason, applied.Message = metav1.ConditionFalse, workv1alpha1.ReasonAppliedFailed, failed
		if failed == "" {
			applied.Message = item.AppliedMessage
		}
	}
	w.Status.Conditions = append(w.Status.Conditions, applied)
	if item == nil {
		return
	}
	gvk := tmpl.GroupVersionKind()
	w.Status.ManifestStatuses = []workv1alpha1.ManifestStatus{{
		Identifier: workv1alpha1.ResourceIdentifier{
			Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Namespace: tmpl.GetNamespace(), Name: tmpl.GetName(),
		},
		Status: item.Status,
		Health: workv1alpha1.ResourceHealth(item.Health),
	}}
}

// revision is the highest revision among what a Work is made of. They all come from one store, so they can be compared.
func revision(s manifest.Source) uint64 {
	highest := max(revisionOf(s.Binding.ResourceVersion), revisionOf(s.Template.GetResourceVersion()))
	for _, o := range s.ClusterOverrides {
		highest = max(highest, revisionOf(o.ResourceVersion))
	}
	for _, o := range s.Overrides {
		highest = max(highest, revisionOf(o.ResourceVersion))
	}
	if len(s.ClusterOverrides)+len(s.Overrides) > 0 { // only they look at the cluster
		highest = max(highest, revisionOf(s.Cluster.ResourceVersion))
	}
	return highest
}

// revisionOf reads a resource version; what is none counts as the lowest.
func revisionOf(resourceVersion string) uint64 {
	n, err := strconv.ParseUint(resourceVersion, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// uid is the same for the same binding and cluster, and for no others: a UUID of version 5 in the name space of the binding.
func uid(b types.UID, cluster string) types.UID {
	sum := sha1.Sum([]byte(string(b) + "/" + cluster))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return types.UID(fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
}

// signatureSeed is made at start-up: signatures mean nothing outside the process.
var signatureSeed = maphash.MakeSeed()

// signature hashes everything of a Work but its resource version.
func signature(w *workv1alpha1.Work) uint64 {
	var h maphash.Hash
	h.SetSeed(signatureSeed)
	text := func(s string) {
		fmt.Fprintf(&h, "%d:", len(s))
		h.WriteString(s)
	}
	text(string(w.UID))
	for _, m := range []map[string]string{w.Labels, w.Annotations} {
		for _, k := range sortedKeys(m) {
			text(k)
			text(m[k])
		}
	}
	fmt.Fprintf(&h, "%v %v %d", isTrue(w.Spec.SuspendDispatching), isTrue(w.Spec.PreserveResourcesOnDeletion), w.Generation)
	for _, m := range w.Spec.Workload.Manifests {
		text(string(m.Raw))
	}
	for _, c := range w.Status.Conditions {
		text(c.Type)
		text(string(c.Status))
		text(c.Reason)
		text(c.Message)
		text(c.LastTransitionTime.String())
	}
	for _, m := range w.Status.ManifestStatuses {
		text(string(m.Health))
		if m.Status != nil {
			text(string(m.Status.Raw))
		}
	}
	return h.Sum64()
}

func isTrue(b *bool) bool { return b != nil && *b }

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
