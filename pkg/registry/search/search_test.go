/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
)

func registry(change func(*searchv1alpha1.ResourceRegistrySpec)) *searchv1alpha1.ResourceRegistry {
	r := &searchv1alpha1.ResourceRegistry{
		ObjectMeta: metav1.ObjectMeta{Name: "pods"},
		Spec: searchv1alpha1.ResourceRegistrySpec{
			ResourceSelectors: []searchv1alpha1.ResourceSelector{{APIVersion: "v1", Kind: "Pod", Namespace: "shop"}},
		},
	}
	if change != nil {
		change(&r.Spec)
	}
	return r
}

func openSearch(s *searchv1alpha1.ResourceRegistrySpec, addresses ...string) *searchv1alpha1.OpenSearchConfig {
	c := &searchv1alpha1.OpenSearchConfig{Addresses: addresses}
	c.SecretRef.Namespace, c.SecretRef.Name = "default", "opensearch"
	s.BackendStore = &searchv1alpha1.BackendStoreConfig{OpenSearch: c}
	return c
}

func found(errs field.ErrorList) []string {
	var out []string
	for _, err := range errs {
		out = append(out, strings.TrimPrefix(string(err.Type), "FieldValue")+" "+err.Field)
	}
	return out
}

func TestValidation(t *testing.T) {
	t.Parallel()
	type spec = searchv1alpha1.ResourceRegistrySpec
	kind := func(apiVersion, kind, namespace string) func(*spec) {
		return func(s *spec) {
			s.ResourceSelectors = []searchv1alpha1.ResourceSelector{{APIVersion: apiVersion, Kind: kind, Namespace: namespace}}
		}
	}
	for name, c := range map[string]struct {
		set  func(*spec)
		want []string
	}{
		"one kind":              {},
		"another group":         {set: kind("apps/v1", "Deployment", "")},
		"a Secret of elsewhere": {set: kind("vault.example.com/v1", "Secret", "")},
		"an empty store":        {set: func(s *spec) { s.BackendStore = &searchv1alpha1.BackendStoreConfig{} }},
		"opensearch":            {set: func(s *spec) { openSearch(s, "https://10.0.0.1:9200", "http://x") }},

		"no kinds":        {set: func(s *spec) { s.ResourceSelectors = nil }, want: []string{"Required spec.resourceSelectors"}},
		"empty selector":  {set: kind("", "", ""), want: []string{"Required spec.resourceSelectors[0].apiVersion", "Required spec.resourceSelectors[0].kind"}},
		"three parts":     {set: kind("a/b/c", "Pod", ""), want: []string{"Invalid spec.resourceSelectors[0].apiVersion"}},
		"group alone":     {set: kind("apps/", "Pod", ""), want: []string{"Invalid spec.resourceSelectors[0].apiVersion"}},
		"secrets":         {set: kind("v1", "Secret", ""), want: []string{"Forbidden spec.resourceSelectors[0].kind"}},
		"secrets of one":  {set: kind("v1", "Secret", "shop"), want: []string{"Forbidden spec.resourceSelectors[0].kind"}},
		"wrong namespace": {set: kind("v1", "Pod", "a/b"), want: []string{"Invalid spec.resourceSelectors[0].namespace"}},
		"label selector": {set: func(s *spec) {
			s.TargetCluster.LabelSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Is"}}}
		}, want: []string{"Invalid spec.targetCluster.labelSelector.matchExpressions[0].operator"}},
		"field selector": {set: func(s *spec) {
			s.TargetCluster.FieldSelector = &policyv1alpha1.FieldSelector{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "name", Operator: "Exists"}}}
		}, want: []string{"NotSupported spec.targetCluster.fieldSelector.matchExpressions[0].key", "NotSupported spec.targetCluster.fieldSelector.matchExpressions[0].operator"}},

		"no address":       {set: func(s *spec) { openSearch(s) }, want: []string{"Required spec.backendStore.openSearch.addresses"}},
		"address scheme":   {set: func(s *spec) { openSearch(s, "ftp://x") }, want: []string{"Invalid spec.backendStore.openSearch.addresses[0]"}},
		"address is bare":  {set: func(s *spec) { openSearch(s, "10.0.0.1:9200") }, want: []string{"Invalid spec.backendStore.openSearch.addresses[0]"}},
		"address has none": {set: func(s *spec) { openSearch(s, "https://:9200") }, want: []string{"Invalid spec.backendStore.openSearch.addresses[0]"}},
		"no secret": {set: func(s *spec) { openSearch(s, "http://x").SecretRef.Name = "" },
			want: []string{"Required spec.backendStore.openSearch.secretRef.name"}},
		"no secret at all": {set: func(s *spec) {
			openSearch(s, "http://x").SecretRef.Name = ""
			s.BackendStore.OpenSearch.SecretRef.Namespace = ""
		},
			want: []string{"Required spec.backendStore.openSearch.secretRef.namespace", "Required spec.backendStore.openSearch.secretRef.name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, found(resourceRegistry().Validate(registry(c.set)))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorsHideThePassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"ftp://user:secret@host", "http://user:secret@host:port", "http://user:secret@"} {
		errs := validate(registry(func(s *searchv1alpha1.ResourceRegistrySpec) { openSearch(s, address) }))
		if len(errs) == 0 {
			t.Errorf("%s: accepted", address)
			continue
		}
		if text := errs.ToAggregate().Error(); strings.Contains(text, "secret@") {
			t.Errorf("%s: error shows the password: %s", address, text)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	r := registry(nil)
	if got := warnings(r); got != nil {
		t.Errorf("warnings of a registry without a store: %q", got)
	}
	openSearch(&r.Spec, "http://x")
	want := []string{"spec.backendStore.openSearch: has no effect; searches are answered from the server's memory"}
	if diff := cmp.Diff(want, warnings(r)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// backend remembers for which name it was asked.
type backend struct{ name string }

func (b *backend) Connect(_ context.Context, name string, _ rest.Responder) (http.Handler, error) {
	b.name = name
	return http.NotFoundHandler(), nil
}

func TestConnectNeedsABackend(t *testing.T) {
	t.Parallel()
	h := newSearch()
	if _, err := h.Connect(t.Context(), "cache", nil, nil); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("without a backend: %v, want 503", err)
	}
	var b backend
	h.Use(&b)
	if _, err := h.Connect(t.Context(), "cache", nil, nil); err != nil || b.name != "cache" {
		t.Errorf("the backend was asked for %q: %v", b.name, err)
	}
}
