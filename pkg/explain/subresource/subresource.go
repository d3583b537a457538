/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package subresource serves explain as a subresource of every kind: a get of .../deployments/nginx/explain answers why that
// Deployment is where it is. Nothing is stored, and every replica answers, from its caches and a read of the template.
package subresource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/handlers/negotiation"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/explain"
	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/policy"
	"github.com/manifold-k8s/manifold/pkg/unified/present"
)

// retryAfter is how many seconds a client is told to wait while the caches are being filled, which takes less.
const retryAfter = 1

// Config is what answers rest on.
type Config struct {
	// Hub reads templates as they are stored.
	Hub      dynamic.Interface
	Policies *policy.Store
	Bindings *binding.Store
	Clusters cache.SharedIndexInformer
	// Authorizer says whether a user may read a template.
	Authorizer authorizer.Authorizer
	Skipped    match.Namespaces
	Clock      clock.PassiveClock
}

// Subresource answers in the chain of an API server's handlers.
type Subresource struct {
	serializer runtime.NegotiatedSerializer
	cfg        atomic.Pointer[Config]
}

// New returns a subresource that is not available until Use is called. The serializer knows the kind Explanation.
func New(serializer runtime.NegotiatedSerializer) *Subresource {
	return &Subresource{serializer: serializer}
}

// Use says what answers rest on.
func (s *Subresource) Use(cfg Config) { s.cfg.Store(&cfg) }

// Wrap answers requests for the subresource, which must have been authorized, and leaves all others to next.
func (s *Subresource) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		info, ok := request.RequestInfoFrom(req.Context())
		if !ok || !asked(info) {
			next.ServeHTTP(w, req)
			return
		}
		out, err := s.explain(req.Context(), info, req.URL.Query().Get(hubv1alpha1.ExplainClusterParameter))
		if err != nil {
			responsewriters.ErrorNegotiated(err, s.serializer, hubv1alpha1.SchemeGroupVersion, w, req)
			return
		}
		responsewriters.WriteObjectNegotiated(s.serializer, negotiation.DefaultEndpointRestrictions, hubv1alpha1.SchemeGroupVersion, w, req, http.StatusOK, out, false)
	})
}

// asked reports whether a request is for an explanation.
func asked(info *request.RequestInfo) bool {
	return info.IsResourceRequest && info.Verb == "get" && info.Subresource == hubv1alpha1.ExplainSubresource && len(info.Parts) == 3
}

func (s *Subresource) explain(ctx context.Context, info *request.RequestInfo, cluster string) (*hubv1alpha1.Explanation, error) {
	cfg := s.cfg.Load()
	if cfg == nil || !cfg.Policies.HasSynced() || !cfg.Bindings.HasSynced() || !cfg.Clusters.HasSynced() {
		return nil, starting()
	}
	if err := cfg.authorize(ctx, info); err != nil {
		return nil, err
	}
	tmpl, err := cfg.template(ctx, info, info.APIVersion)
	if err != nil {
		return nil, err
	}
	b := cfg.Bindings.Get(binding.KeyOf(tmpl.GetNamespace(), tmpl.GetName(), tmpl.GetKind()))
	if version, other := otherVersion(b, tmpl); other {
		if tmpl, err = cfg.template(ctx, info, version); err != nil {
			return nil, err
		}
	}
	pps, cpps := cfg.Policies.Propagation(tmpl.GetNamespace())
	cops, ops := cfg.Policies.Overrides(tmpl.GetNamespace())
	in := explain.Input{
		Template: tmpl, Policies: placement.Policies{Namespaced: pps, ClusterWide: cpps}, ClusterOverrides: cops, Overrides: ops,
		Clusters: cfg.clusters(), Binding: b, Requirers: cfg.requirers(tmpl, b), Skipped: cfg.Skipped, Now: cfg.Clock.Now(), Cluster: cluster,
	}
	if cluster != "" && !in.Knows(cluster) {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("parameter %s: %q is no cluster of the federation", hubv1alpha1.ExplainClusterParameter, cluster))
	}
	return explain.Explain(in), nil
}

// authorize lets those pass who may read the template itself: an explanation shows what is in it.
func (c *Config) authorize(ctx context.Context, info *request.RequestInfo) error {
	user, ok := request.UserFrom(ctx)
	if !ok {
		return apierrors.NewInternalError(errors.New("no user in context"))
	}
	attrs := authorizer.AttributesRecord{
		User: user, Verb: "get", Namespace: info.Namespace, APIGroup: info.APIGroup, APIVersion: info.APIVersion,
		Resource: info.Resource, Name: info.Name, ResourceRequest: true, Path: strings.TrimSuffix(info.Path, "/"+hubv1alpha1.ExplainSubresource),
	}
	decision, reason, err := c.Authorizer.Authorize(ctx, attrs)
	if err != nil && decision != authorizer.DecisionAllow {
		return apierrors.NewInternalError(fmt.Errorf("authorize reading the template: %w", err))
	}
	if decision != authorizer.DecisionAllow {
		return responsewriters.ForbiddenStatusError(attrs, reason)
	}
	return nil
}

// template reads what is stored; what only members have is not found. The read is answered by the server's own chain, so
// that it knows every kind that is served, without a watch.
func (c *Config) template(ctx context.Context, info *request.RequestInfo, version string) (*unstructured.Unstructured, error) {
	resource := c.Hub.Resource(schema.GroupVersionResource{Group: info.APIGroup, Version: version, Resource: info.Resource})
	var namespaced dynamic.ResourceInterface = resource
	if info.Namespace != "" && !isNamespace(info) {
		namespaced = resource.Namespace(info.Namespace)
	}
	tmpl, err := namespaced.Get(ctx, info.Name, metav1.GetOptions{})
	if err != nil {
		return nil, c.elsewhere(err, info.Name) // a status that is as true for the user
	}
	tmpl.SetManagedFields(nil)
	return tmpl, nil
}

// elsewhere adds to the news that nothing of a name is stored that it looks like the name of what a member has.
func (c *Config) elsewhere(err error, name string) error {
	_, cluster, ok := present.Split(name)
	var status *apierrors.StatusError
	if !ok || !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return err
	}
	if _, exists, _ := c.Clusters.GetStore().GetByKey(cluster); !exists { // an in-memory store gives no errors
		return err
	}
	out := *status
	out.ErrStatus.Message += fmt.Sprintf(" on the hub: explained is what is stored there, and not what %s has of its own", cluster)
	return &out
}

func isNamespace(info *request.RequestInfo) bool {
	return info.APIGroup == "" && info.Resource == "namespaces"
}

// otherVersion returns the version in which the same object is propagated, if that is not the one at hand: policies select
// objects of one version.
func otherVersion(b *binding.Binding, tmpl *unstructured.Unstructured) (string, bool) {
	if b == nil || b.Spec.Resource.UID != tmpl.GetUID() {
		return "", false
	}
	had, has := binding.TemplateKind(b), tmpl.GroupVersionKind()
	return had.Version, had.GroupKind() == has.GroupKind() && had.Version != has.Version
}

// requirers returns the bindings whose templates need this one: those that say so, and those of which its own binding says
// so, which the leader drops when it is certain that they do not any more.
func (c *Config) requirers(tmpl *unstructured.Unstructured, b *binding.Binding) []*binding.Binding {
	gvk := tmpl.GroupVersionKind()
	if !placement.Attachable(gvk, tmpl, c.Skipped) {
		return nil
	}
	out := c.Bindings.Requirers(placement.ObjectOf(gvk, tmpl))
	if b == nil || b.Spec.Resource.UID != tmpl.GetUID() {
		return out
	}
	for i := range b.Spec.RequiredBy {
		key := placement.KeyOfSnapshot(&b.Spec.RequiredBy[i])
		if slices.ContainsFunc(out, func(by *binding.Binding) bool { return binding.Key(by) == key }) {
			continue
		}
		if by := c.Bindings.Get(key); by != nil {
			out = append(out, by)
		}
	}
	return out
}

func (c *Config) clusters() []*clusterv1alpha1.Cluster {
	out := local.All[*clusterv1alpha1.Cluster](c.Clusters.GetStore())
	slices.SortFunc(out, func(a, b *clusterv1alpha1.Cluster) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func starting() error {
	err := apierrors.NewServiceUnavailable("what explanations rest on is still being read")
	err.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: retryAfter}
	return err
}
