/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// prune returns a copy of tmpl without what is true of the object on the hub only: its status, all metadata but name,
// namespace, labels and annotations, and per kind the values that an API server or a controller fills in.
func prune(tmpl *unstructured.Unstructured) *unstructured.Unstructured {
	// A shallow copy first, so that managed fields and status, often the larger half, are not copied in depth.
	shallow := make(map[string]any, len(tmpl.Object))
	for key, value := range tmpl.Object {
		switch key {
		case "status":
		case "metadata":
			if metadata, ok := value.(map[string]any); ok {
				shallow[key] = pruneMetadata(metadata)
			}
		default:
			shallow[key] = value
		}
	}
	out := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(shallow)}
	labels := child(out.Object, "metadata", "labels")
	for _, key := range stampLabels {
		delete(labels, key)
	}
	dropCreationTimes(out.Object)
	if byKind := prunes[tmpl.GroupVersionKind().GroupKind()]; byKind != nil {
		byKind(out.Object)
	}
	return out
}

// pruneAgain drops what an override has no say about either, as only an API server can: the status, and metadata such as
// resourceVersion or managedFields, with which members would refuse the manifest. It changes obj.
func pruneAgain(obj map[string]any) {
	delete(obj, "status")
	obj["metadata"] = pruneMetadata(child(obj, "metadata"))
}

// Prune returns a copy of a manifest without what is true of an object on the hub only, as Render does first of all.
func Prune(manifest *unstructured.Unstructured) *unstructured.Unstructured { return prune(manifest) }

// hubAnnotations are dropped from every kind. kubectl's record of the last applied manifest tells what was applied to
// the hub; in the member it would lie, for the copy differs from that, and a kubectl apply there would remove by it.
// The stamps of copies are here because a template may have been made from such a copy; they are written anew.
var hubAnnotations = map[string]bool{
	corev1.LastAppliedConfigAnnotation:                true,
	"deprecated.daemonset.template.generation":        true, // counted by each API server for itself
	"autoscaling.alpha.kubernetes.io/conditions":      true, // status in the clothes of an annotation
	"autoscaling.alpha.kubernetes.io/current-metrics": true,
	workv1alpha2.ManagedLabelsAnnotation:              true,
	workv1alpha2.ManagedAnnotationsAnnotation:         true,
	workv1alpha2.WorkNamespaceAnnotation:              true,
	workv1alpha2.WorkNameAnnotation:                   true,
	workv1alpha2.ResourceBindingNamespaceAnnotation:   true,
	workv1alpha2.ResourceBindingNameAnnotation:        true,
	workv1alpha2.ClusterResourceBindingNameAnnotation: true,
	"control-plane.alpha.kubernetes.io/leader":        true, // a lock held in one cluster
}

// stampLabels are the labels among the stamps.
var stampLabels = []string{
	workv1alpha2.WorkPermanentIDLabel,
	workv1alpha2.ResourceBindingPermanentIDLabel,
	workv1alpha2.ClusterResourceBindingPermanentIDLabel,
}

func pruneMetadata(metadata map[string]any) map[string]any {
	out := make(map[string]any, 4)
	for _, key := range []string{"name", "namespace", "labels"} {
		if v, ok := metadata[key]; ok && v != nil {
			out[key] = v
		}
	}
	if annotations, ok := metadata["annotations"].(map[string]any); ok {
		kept := make(map[string]any, len(annotations)+8) // room for the stamps
		for key, value := range annotations {
			if !hubAnnotations[key] {
				kept[key] = value
			}
		}
		if len(kept) > 0 {
			out["annotations"] = kept
		}
	}
	return out
}

// dropCreationTimes removes the empty creation times that Go clients write into templates.
func dropCreationTimes(obj map[string]any) {
	spec, ok := obj["spec"].(map[string]any)
	if !ok {
		return
	}
	for _, template := range []map[string]any{
		child(spec, "template"), child(spec, "jobTemplate"), child(spec, "jobTemplate", "spec", "template"),
	} {
		if metadata := child(template, "metadata"); metadata["creationTimestamp"] == nil {
			delete(metadata, "creationTimestamp")
		}
	}
}

// prunes has the kinds with fields that must not leave the hub.
var prunes = map[schema.GroupKind]func(obj map[string]any){
	{Group: "apps", Kind: "Deployment"}: func(obj map[string]any) {
		dropAnnotations(obj, "deployment.kubernetes.io/revision", "deployment.kubernetes.io/revision-history")
	},
	{Group: "apps", Kind: "StatefulSet"}: func(obj map[string]any) {
		for _, claim := range objects(child(obj, "spec"), "volumeClaimTemplates") {
			delete(claim, "status")
			delete(child(claim, "metadata"), "creationTimestamp")
		}
	},
	{Group: "batch", Kind: "Job"}: pruneJob,
	{Kind: "Pod"}:                 prunePod,
	{Kind: "Namespace"}: func(obj map[string]any) {
		delete(child(obj, "spec"), "finalizers")
		dropIfEmpty(obj, "spec")
	},
	{Kind: "Secret"}: func(obj map[string]any) {
		if obj["type"] == string(corev1.SecretTypeServiceAccountToken) { // the member's own controller signs a token
			delete(obj, "data")
			dropAnnotations(obj, corev1.ServiceAccountUIDKey)
		}
	},
	{Kind: "ServiceAccount"}: pruneServiceAccount,
	{Kind: "Service"}: func(obj map[string]any) {
		// Addresses are allocated by each cluster. Node ports are what the user wrote, for the hub allocates none.
		if spec := child(obj, "spec"); spec["clusterIP"] != corev1.ClusterIPNone {
			delete(spec, "clusterIP")
			delete(spec, "clusterIPs")
		}
	},
	{Kind: "PersistentVolumeClaim"}: func(obj map[string]any) {
		dropAnnotations(obj, "volume.kubernetes.io/selected-node",
			"pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller")
	},
	{Kind: "PersistentVolume"}: func(obj map[string]any) {
		claim := child(obj, "spec", "claimRef") // a claim of that name, whichever object that is in the member
		delete(claim, "uid")
		delete(claim, "resourceVersion")
	},
}

// pruneJob drops the selector that the API server generates, and with it the labels it puts on the template, and the
// time to live: a Job that a member deleted after its end would be created, and run, again.
func pruneJob(obj map[string]any) {
	spec := child(obj, "spec")
	delete(spec, "ttlSecondsAfterFinished")
	if spec["manualSelector"] == true {
		return
	}
	selector := child(spec, "selector", "matchLabels")
	labels := child(spec, "template", "metadata", "labels")
	for _, key := range []string{"controller-uid", "batch.kubernetes.io/controller-uid"} {
		delete(selector, key)
		delete(labels, key)
	}
	for _, key := range []string{"job-name", "batch.kubernetes.io/job-name"} {
		delete(labels, key)
	}
	dropIfEmpty(child(spec, "selector"), "matchLabels")
	dropIfEmpty(spec, "selector")
	dropIfEmpty(child(spec, "template", "metadata"), "labels")
}

// prunePod drops what admission fills in anew in each member, and would refuse to take from us: the computed priority,
// the runtime class's overhead, the token volume. A node of the hub does not exist; an override can name the member's.
func prunePod(obj map[string]any) {
	spec := child(obj, "spec")
	for _, key := range []string{"nodeName", "priority", "preemptionPolicy", "serviceAccount", "ephemeralContainers"} {
		delete(spec, key)
	}
	if spec["runtimeClassName"] != nil {
		delete(spec, "overhead")
	}
	if spec["serviceAccountName"] == "default" {
		delete(spec, "serviceAccountName")
	}
	for _, key := range []string{"containers", "initContainers"} {
		for _, container := range objects(spec, key) {
			dropEntries(container, "volumeMounts", isTokenVolume)
		}
	}
	dropEntries(spec, "volumes", isTokenVolume)
}

// isTokenVolume knows the service account token volume that the API server injects, and its mounts.
func isTokenVolume(entry map[string]any) bool {
	name, ok := entry["name"].(string)
	return ok && strings.HasPrefix(name, "kube-api-access-")
}

func pruneServiceAccount(obj map[string]any) {
	name, ok := child(obj, "metadata")["name"].(string)
	if !ok {
		return
	}
	dropEntries(obj, "secrets", func(entry map[string]any) bool {
		secret, ok := entry["name"].(string)
		return ok && strings.HasPrefix(secret, name+"-token-")
	})
}

// child returns the object at the path, nil when there is none; reading and deleting keys of nil are harmless.
func child(obj map[string]any, path ...string) map[string]any {
	for _, key := range path {
		obj, _ = obj[key].(map[string]any) // absent: nil
	}
	return obj
}

// objects returns the objects in the list under key.
func objects(obj map[string]any, key string) []map[string]any {
	list, _ := obj[key].([]any) // absent: none
	out := make([]map[string]any, 0, len(list))
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func dropAnnotations(obj map[string]any, keys ...string) {
	metadata := child(obj, "metadata")
	annotations := child(metadata, "annotations")
	for _, key := range keys {
		delete(annotations, key)
	}
	dropIfEmpty(metadata, "annotations")
}

// dropEntries removes from the list under key the objects that match, and the list when none is left.
func dropEntries(obj map[string]any, key string, match func(map[string]any) bool) {
	list, ok := obj[key].([]any)
	if !ok {
		return
	}
	kept := make([]any, 0, len(list))
	for _, e := range list {
		if m, ok := e.(map[string]any); !ok || !match(m) {
			kept = append(kept, e)
		}
	}
	obj[key] = kept
	if len(kept) == 0 {
		delete(obj, key)
	}
}

func dropIfEmpty(obj map[string]any, key string) {
	if m, ok := obj[key].(map[string]any); ok && len(m) == 0 {
		delete(obj, key)
	}
}
