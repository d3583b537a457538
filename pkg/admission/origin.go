/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package admission

import (
	"context"
	"io"

	"go.opentelemetry.io/otel/trace"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

// OriginPlugin is the name of the plugin that Origin is.
const OriginPlugin = "NoteOrigin"

// Origin notes when a user's write of an object that may be propagated was accepted, and by which request. It has to be
// the last plugin: what comes after it could still refuse the write.
type Origin struct {
	*admission.Handler
	origins *telemetry.Origins
}

var _ admission.ValidationInterface = Origin{}

// NewOrigin returns a plugin that notes writes there.
func NewOrigin(origins *telemetry.Origins) Origin {
	return Origin{admission.NewHandler(admission.Create, admission.Update, admission.Delete), origins}
}

// Register makes the plugin known under its name.
func (p Origin) Register(plugins *admission.Plugins) {
	plugins.Register(OriginPlugin, func(io.Reader) (admission.Interface, error) { return p, nil })
}

// Validate implements admission.ValidationInterface. It refuses nothing.
func (p Origin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if a.IsDryRun() || (a.GetSubresource() != "" && a.GetSubresource() != "scale") || !byUser(a) {
		return nil
	}
	var replaced string
	old, err := meta.Accessor(a.GetOldObject())
	if err == nil {
		replaced = old.GetResourceVersion()
	}
	obj, err := meta.Accessor(a.GetObject())
	if err != nil { // a deletion has none
		obj = old
	}
	if obj == nil || !leadsToMembers(schema.GroupVersionKind(a.GetKind()), obj) {
		return nil
	}
	name := telemetry.Object{Resource: a.GetResource().GroupResource(), Namespace: obj.GetNamespace(), Name: obj.GetName()}
	p.origins.Note(name, replaced, trace.SpanContextFromContext(ctx))
	return nil
}

// byUser reports whether the write is none of the hub's own controllers.
func byUser(a admission.Attributes) bool {
	u := a.GetUserInfo()
	return u != nil && u.GetName() != user.APIServerUser
}

// leadsToMembers reports whether a write of an object may concern members: as a template, or as the policy of some.
func leadsToMembers(gvk schema.GroupVersionKind, o metav1.Object) bool {
	switch gvk.GroupKind() {
	case schema.GroupKind{Group: corev1.GroupName, Kind: "Namespace"},
		policyv1alpha1.Kind("PropagationPolicy"), policyv1alpha1.Kind("ClusterPropagationPolicy"):
		return true
	}
	ok, _ := match.Propagatable(gvk, o.GetNamespace(), o.GetName(), o.GetLabels())
	return ok
}
