/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package admission

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

func TestOrigin(t *testing.T) {
	t.Parallel()
	type write struct {
		version, kind, resource, subresource string
		operation                            admission.Operation
		user                                 string
		dryRun                               bool
	}
	for name, tc := range map[string]struct {
		write
		noted bool
	}{
		"create":             {write{version: "apps/v1", kind: "Deployment", resource: "deployments", operation: admission.Create}, true},
		"update":             {write{version: "apps/v1", kind: "Deployment", resource: "deployments", operation: admission.Update}, true},
		"delete":             {write{version: "apps/v1", kind: "Deployment", resource: "deployments", operation: admission.Delete}, true},
		"scale":              {write{version: "autoscaling/v1", kind: "Scale", resource: "deployments", subresource: "scale", operation: admission.Update}, true},
		"custom resource":    {write{version: "example.com/v1", kind: "Foo", resource: "foos", operation: admission.Create}, true},
		"namespace":          {write{version: "v1", kind: "Namespace", resource: "namespaces", operation: admission.Create}, true},
		"propagation policy": {write{version: "policy.karmada.io/v1alpha1", kind: "PropagationPolicy", resource: "propagationpolicies", operation: admission.Update}, true},
		"override policy":    {write{version: "policy.karmada.io/v1alpha1", kind: "OverridePolicy", resource: "overridepolicies", operation: admission.Update}, false},
		"status":             {write{version: "apps/v1", kind: "Deployment", resource: "deployments", subresource: "status", operation: admission.Update}, false},
		"event":              {write{version: "v1", kind: "Event", resource: "events", operation: admission.Create}, false},
		"lease":              {write{version: "coordination.k8s.io/v1", kind: "Lease", resource: "leases", operation: admission.Update}, false},
		"dry run":            {write{version: "v1", kind: "ConfigMap", resource: "configmaps", operation: admission.Create, dryRun: true}, false},
		"our own controllers": {
			write{version: "v1", kind: "ConfigMap", resource: "configmaps", operation: admission.Update, user: user.APIServerUser}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			origins := telemetry.NewOrigins(clocktesting.NewFakePassiveClock(time.Unix(1000, 0)))
			plugin := NewOrigin(origins)
			gvk := schema.FromAPIVersionAndKind(tc.version, tc.kind)
			gvr := gvk.GroupVersion().WithResource(tc.resource)
			if tc.subresource == "scale" {
				gvr.Group, gvr.Version = "apps", "v1"
			}
			object := func(version string) runtime.Object {
				u := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"namespace": "ns", "name": "o", "resourceVersion": version}}}
				u.SetGroupVersionKind(gvk)
				return u
			}
			var obj, old runtime.Object
			if tc.operation != admission.Delete {
				obj = object("")
			}
			if tc.operation != admission.Create {
				old = object("7")
			}
			by := &user.DefaultInfo{Name: tc.user}
			a := admission.NewAttributesRecord(obj, old, gvk, "ns", "", gvr, tc.subresource, tc.operation, &metav1.CreateOptions{}, tc.dryRun, by)
			if !plugin.Handles(tc.operation) {
				t.Errorf("%s is not handled", tc.operation)
			}
			if err := plugin.Validate(t.Context(), a, nil); err != nil {
				t.Error(err)
			}
			w := origins.Of(telemetry.Object{Resource: gvr.GroupResource(), Namespace: "ns", Name: "o"})
			if w.Known() != tc.noted {
				t.Fatalf("noted: %v, want %v", w.Known(), tc.noted)
			}
			if made := w.LedTo("7"); tc.noted && made != (tc.operation == admission.Create) {
				t.Errorf("the version before counts as written: %v", made)
			}
		})
	}
}
