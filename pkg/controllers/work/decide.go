/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package work

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/render"
)

// maxMessage bounds the message of a condition, in bytes.
const maxMessage = 1024

// object names an object in the member.
type object struct {
	kind            schema.GroupVersionKind
	namespace, name string
}

func (o object) key() types.NamespacedName {
	return types.NamespacedName{Namespace: o.namespace, Name: o.name}
}

func (o object) String() string {
	if o.namespace == "" {
		return o.kind.Kind + " " + o.name
	}
	return o.kind.Kind + " " + o.namespace + "/" + o.name
}

// item is one object that the member may hold because of a Work.
type item struct {
	object
	ordinal  int    // in the list of manifests, -1 when it is in there no more
	resource string // plural; empty when it is not known
	want     *unstructured.Unstructured
}

// plan lists what the member should hold, complete with marks, and after that what it may hold from before. The error is
// that of a manifest which is no object, which validation rules out.
func plan(w *workv1alpha1.Work, c *clusterv1alpha1.Cluster) ([]item, error) {
	var out []item
	for i, raw := range w.Spec.Workload.Manifests {
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(raw.Raw); err != nil {
			return nil, fmt.Errorf("manifest %d: %w", i, err)
		}
		want, err := desired(w, u)
		if err != nil {
			return nil, fmt.Errorf("manifest %d: %w", i, err)
		}
		o := object{want.GroupVersionKind(), want.GetNamespace(), want.GetName()}
		out = append(out, item{object: o, ordinal: i, resource: resourceOf(c, o.kind), want: want})
	}
	for _, s := range w.Status.ManifestStatuses {
		id := s.Identifier
		o := object{schema.GroupVersionKind{Group: id.Group, Version: id.Version, Kind: id.Kind}, id.Namespace, id.Name}
		i := slices.IndexFunc(out, func(i item) bool {
			return i.kind.GroupKind() == o.kind.GroupKind() && i.namespace == o.namespace && i.name == o.name
		})
		switch {
		case i < 0:
			out = append(out, item{object: o, ordinal: -1, resource: id.Resource})
		case out[i].resource == "" && out[i].kind == o.kind:
			out[i].resource = id.Resource
		}
	}
	return out, nil
}

// desired returns a manifest with the marks that its object carries in the member.
func desired(w *workv1alpha1.Work, m *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	out, err := render.Render(m, render.Target{}, nil)
	if err != nil {
		return nil, err
	}
	labels, annotations := out.GetLabels(), out.GetAnnotations()
	labels[workv1alpha2.WorkPermanentIDLabel] = idOf(w)
	annotations[workv1alpha2.WorkNamespaceAnnotation] = w.Namespace
	annotations[workv1alpha2.WorkNameAnnotation] = w.Name
	annotations[workv1alpha2.ConflictResolutionAnnotation] = workv1alpha2.ConflictResolutionAbort
	if overwrites(w, m) {
		annotations[workv1alpha2.ConflictResolutionAnnotation] = workv1alpha2.ConflictResolutionOverwrite
	}
	delete(annotations, workv1alpha2.TemplateUIDAnnotation) // there is no template
	out.SetLabels(labels)
	out.SetAnnotations(annotations)
	annotations[workv1alpha2.ContentHashAnnotation] = render.Hash(out)
	out.SetAnnotations(annotations)
	return out, nil
}

// overwrites reports whether an object that is not ours may be taken over: the manifest's own word goes before the Work's.
func overwrites(w *workv1alpha1.Work, m *unstructured.Unstructured) bool {
	switch m.GetAnnotations()[workv1alpha2.ConflictResolutionAnnotation] {
	case workv1alpha2.ConflictResolutionOverwrite:
		return true
	case workv1alpha2.ConflictResolutionAbort:
		return false
	}
	return w.Annotations[workv1alpha2.ConflictResolutionAnnotation] == workv1alpha2.ConflictResolutionOverwrite
}

// resourceOf returns the plural name of a kind in the cluster, empty if it does not serve it as far as is known.
func resourceOf(c *clusterv1alpha1.Cluster, gvk schema.GroupVersionKind) string {
	for _, a := range c.Status.APIEnablements {
		if a.GroupVersion != gvk.GroupVersion().String() {
			continue
		}
		for _, r := range a.Resources {
			if r.Kind == gvk.Kind && !strings.Contains(r.Name, "/") {
				return r.Name
			}
		}
	}
	return ""
}

// verdict is what to do about an object that should be in the member.
type verdict int

const (
	settled verdict = iota // it is as it should be
	awaits                 // it was sent just now, and is not reported yet
	compare                // made from this manifest, and changed since: is what the manifest says still there?
	send                   // it is made from another manifest
	look                   // whether there is one, and whose, is not known
	refuse                 // it may not be touched
)

// settleTime is how long the member's watch may take to report what we have just sent.
const settleTime = 2 * time.Second

// judge decides on what is known of the object: have, nil for nothing, and what was done before.
func judge(have *member.Copy, e entry, id, hash string, now time.Time) (verdict, string) {
	switch {
	case have == nil && e.hash == hash && now.Sub(e.sent) < settleTime:
		return awaits, ""
	case have == nil:
		return look, ""
	case have.PermanentID != "":
		return refuse, "it is the copy of a template, which a policy has placed there"
	case have.WorkID != id && have.WorkID != "":
		return refuse, "it belongs to another Work"
	case have.Deleting:
		return refuse, "it is being deleted in the cluster; it is made anew when it is gone"
	case have.WorkID == "":
		return look, ""
	case have.Hash != hash:
		return send, ""
	case have.Fingerprint == e.accepted:
		return settled, ""
	}
	return compare, ""
}

// claim says whether a live object may be written or removed in the name of a Work, and if not, why.
func claim(live *unstructured.Unstructured, w *workv1alpha1.Work) (mine bool, why string) {
	labels, annotations := live.GetLabels(), live.GetAnnotations()
	switch id := labels[workv1alpha2.WorkPermanentIDLabel]; {
	case labels[workv1alpha2.ResourceBindingPermanentIDLabel] != "" || labels[workv1alpha2.ClusterResourceBindingPermanentIDLabel] != "":
		return false, "it is the copy of a template, which a policy has placed there"
	case id == idOf(w):
		return true, ""
	case id != "":
		return false, "it belongs to another Work"
	case annotations[workv1alpha2.WorkNamespaceAnnotation] == w.Namespace && annotations[workv1alpha2.WorkNameAnnotation] == w.Name:
		return true, "" // somebody has taken the label off
	}
	return false, ""
}

// result is what became of the items of a Work.
type result struct {
	failed  []string // why items are not as they should be
	pending bool     // of some items this is not known
	copies  map[object]*member.Copy
}

// report writes the outcome into the status of w. gone are left out.
func report(w *workv1alpha1.Work, items []item, r result, now time.Time) {
	var statuses []workv1alpha1.ManifestStatus
	for _, i := range items {
		s := workv1alpha1.ManifestStatus{Identifier: identifier(i), Health: workv1alpha1.ResourceUnknown}
		if have := r.copies[i.object]; have != nil {
			s.Health = workv1alpha1.ResourceHealth(have.Health)
			if raw := have.Status.JSON(); raw != "" {
				s.Status = &runtime.RawExtension{Raw: []byte(raw)}
			}
		}
		statuses = append(statuses, s)
	}
	w.Status.ManifestStatuses = statuses
	set := func(kind, reason, message string, is bool) {
		c := metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message,
			ObservedGeneration: w.Generation, LastTransitionTime: metav1.NewTime(now)}
		if is {
			c.Status = metav1.ConditionTrue
		}
		meta.SetStatusCondition(&w.Status.Conditions, c)
	}
	if suspended(w) {
		set(workv1alpha1.WorkDispatching, workv1alpha1.ReasonSuspendDispatching, "spec.suspendDispatching holds the manifests back", false)
		return
	}
	set(workv1alpha1.WorkDispatching, workv1alpha1.ReasonDispatching, "the manifests are sent to the cluster", true)
	switch {
	case len(r.failed) > 0:
		set(workv1alpha1.WorkApplied, workv1alpha1.ReasonAppliedFailed, failure(r.failed, len(w.Spec.Workload.Manifests)), false)
	case !r.pending:
		set(workv1alpha1.WorkApplied, workv1alpha1.ReasonAppliedSuccessful, "the cluster holds all manifests", true)
	}
}

func failure(failed []string, of int) string {
	message := fmt.Sprintf("%d of %d manifests are not as they should be: %s", len(failed), max(of, len(failed)), strings.Join(failed, "; "))
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage-3], "") + "..."
	}
	return message
}

func identifier(i item) workv1alpha1.ResourceIdentifier {
	return workv1alpha1.ResourceIdentifier{
		Ordinal: i.ordinal, Group: i.kind.Group, Version: i.kind.Version, Kind: i.kind.Kind, Resource: i.resource,
		Namespace: i.namespace, Name: i.name,
	}
}

// recorded reports whether the stored status names every item: nothing is sent before it does, so that what the member
// may hold can be found again.
func recorded(w *workv1alpha1.Work, items []item) bool {
	return !slices.ContainsFunc(items, func(i item) bool {
		return !slices.ContainsFunc(w.Status.ManifestStatuses, func(s workv1alpha1.ManifestStatus) bool {
			return s.Identifier == identifier(i)
		})
	})
}

// named reports whether the stored status names the item's object, at whatever place in the list: only such may have been
// sent.
func named(w *workv1alpha1.Work, i item) bool {
	return slices.ContainsFunc(w.Status.ManifestStatuses, func(s workv1alpha1.ManifestStatus) bool {
		id := s.Identifier
		return id.Group == i.kind.Group && id.Kind == i.kind.Kind && id.Namespace == i.namespace && id.Name == i.name
	})
}

func suspended(w *workv1alpha1.Work) bool {
	return w.Spec.SuspendDispatching != nil && *w.Spec.SuspendDispatching
}

func preserves(w *workv1alpha1.Work) bool {
	return w.Spec.PreserveResourcesOnDeletion != nil && *w.Spec.PreserveResourcesOnDeletion
}
