/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// account makes a service account in a namespace that has a role in it, and returns the access it has.
func account(t *testing.T, ns, role string) *apitest.API {
	t.Helper()
	hub.Create(t, ns, docs("{apiVersion: v1, kind: ServiceAccount, metadata: {name: user}}", fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: user}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}
subjects: [{kind: ServiceAccount, name: user, namespace: %s}]`, role, ns)))
	return hub.As(t.Context(), t, ns, "user")
}

func forbidden(err error) error {
	if !apierrors.IsForbidden(err) {
		return fmt.Errorf("want Forbidden, got %w", err)
	}
	return nil
}

// A user of one namespace may do there what a user of a cluster may, and propagate; and nothing beyond it.
func TestUserOfOneNamespace(t *testing.T) {
	t.Parallel()
	a, b := namespace(t), namespace(t)
	hub.Create(t, b, configMap("theirs", "v"))
	user := account(t, a, "edit")
	apitest.Eventually(t, func() error { // the server needs a moment to learn about a RoleBinding
		_, err := user.TryCreate(t.Context(), a, deployment("web", 1))
		return err
	})
	user.Create(t, a, docs(policy("p", all("Deployment"), on("member1")),
		overridePolicy("o", all("Deployment"), `{overriders: {labelsOverrider: [{operator: add, value: {tier: front}}]}}`)))
	expectOn(t, "deployments", a, "web", "member1")
	apitest.Eventually(t, func() error { return user.Has(t.Context(), "resourcebindings", a, "web-deployment") })
	user.Patch(t, "propagationpolicies", a, "p", fmt.Sprintf("spec: {placement: {%s}}", on("member2")))
	expectOn(t, "deployments", a, "web", "member2")

	ctx := t.Context()
	create := func(ns, manifest string) error {
		_, err := user.TryCreate(ctx, ns, manifest)
		return err
	}
	update := func(resource, ns, name string) error {
		client, err := user.Objects(resource, ns)
		if err != nil {
			return err
		}
		_, err = client.Patch(ctx, name, "application/merge-patch+json", []byte(`{"metadata":{"labels":{"x":"y"}}}`), patchOptions)
		return err
	}
	for what, err := range map[string]error{
		"create in another namespace":   create(b, configMap("c", "v")),
		"propagate another namespace":   create(b, policy("p", all("ConfigMap"), on("member1"))),
		"propagate cluster-wide":        create("", clusterPolicy(unique("p"), all("ConfigMap"), on("member1"))),
		"read another namespace":        user.Has(ctx, "configmaps", b, "theirs"),
		"read policies elsewhere":       user.Has(ctx, "propagationpolicies", b, "p"),
		"read clusters":                 user.Has(ctx, "clusters", "", "member1"),
		"read the members' credentials": user.Has(ctx, "secrets", clusterv1alpha1.ClusterNamespace, "member1"),
		"change a binding":              update("resourcebindings", a, "web-deployment"),
		"change a cluster":              update("clusters", "", "member1"),
	} {
		if err := forbidden(err); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}

	viewer := account(t, b, "view")
	apitest.Eventually(t, func() error { return viewer.Has(ctx, "configmaps", b, "theirs") })
	client, err := viewer.Objects("propagationpolicies", b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.List(ctx, listOptions); err != nil {
		t.Errorf("a viewer cannot list policies: %v", err)
	}
	if _, err := viewer.TryCreate(ctx, b, policy("p", all("ConfigMap"), on("member1"))); forbidden(err) != nil {
		t.Errorf("a viewer made a policy: %v", err)
	}
}

// Without credentials nobody gets more than health.
func TestAnonymous(t *testing.T) {
	t.Parallel()
	apitest.NoteSources(t)
	nobody := hub.With(t, clientcmdapi.AuthInfo{})
	for path, want := range map[string]int{
		"/livez": 200, "/readyz": 200, "/healthz": 200,
		"/": 401, "/api": 401, "/apis": 401, "/version": 401, "/metrics": 401, "/openapi/v3": 401, "/livez/ping": 401,
		"/api/v1/namespaces": 401, "/apis/cluster.karmada.io/v1alpha1/clusters": 401,
	} {
		var code int
		result := nobody.Kube.Discovery().RESTClient().Get().AbsPath(path).Do(t.Context())
		if result.StatusCode(&code); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	deployments := "/apis/apps/v1/namespaces/" + ns + "/deployments"
	policies := "/apis/policy.karmada.io/v1alpha1/namespaces/" + ns + "/"
	tests := map[string]struct {
		path, manifest string
		code           int32
		want           []string // parts of the error
	}{
		"deployment": {
			deployments, strings.Replace(deployment("web", -1), "matchLabels: {app: web}", "matchLabels: {app: other}", 1),
			http.StatusUnprocessableEntity, []string{"spec.replicas: Invalid value: -1", "spec.template.metadata.labels: Invalid value"},
		},
		"type":          {deployments, strings.Replace(deployment("web", 1), "replicas: 1", "replicas: many", 1), http.StatusBadRequest, []string{"replicas"}},
		"unknown field": {policies + "propagationpolicies", policy("p", all("ConfigMap"), on("member1"), "placment: {}"), http.StatusBadRequest, []string{`unknown field "spec.placment"`}},
		"no selectors":  {policies + "propagationpolicies", policy("p", "", on("member1")), http.StatusUnprocessableEntity, []string{"spec.resourceSelectors: Required value"}},
		"selector of another namespace": {
			policies + "propagationpolicies", policy("p", "{apiVersion: v1, kind: ConfigMap, namespace: other}", on("member1")),
			http.StatusUnprocessableEntity, []string{"spec.resourceSelectors[0].namespace"},
		},
		"both affinities": {
			policies + "propagationpolicies", policy("p", all("ConfigMap"), "clusterAffinities: [{affinityName: a}], "+on("member1")),
			http.StatusUnprocessableEntity, []string{"spec.placement.clusterAffinities"},
		},
		"weight": {
			policies + "propagationpolicies", policy("p", all("Deployment"), weights(0)),
			http.StatusUnprocessableEntity, []string{"spec.placement.replicaScheduling.weightPreference.staticWeightList[0].weight"},
		},
		"all mistakes at once": {
			policies + "propagationpolicies", policy("p", "{apiVersion: v1}", weights(-1), "conflictResolution: Maybe"),
			http.StatusUnprocessableEntity, []string{"spec.resourceSelectors[0].kind", "staticWeightList[0].weight", "spec.conflictResolution"},
		},
		"overrider": {
			policies + "overridepolicies", overridePolicy("o", all("ConfigMap"), `{overriders: {plaintext: [{path: /a, operator: move}]}}`),
			http.StatusUnprocessableEntity, []string{"spec.overrideRules[0].overriders.plaintext[0].operator"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := submit(t, hub.API, http.MethodPost, tc.path+"?fieldValidation=Strict", tc.manifest)
			status := apierrors.APIStatus(nil)
			if s, ok := err.(apierrors.APIStatus); ok {
				status = s
			}
			if status == nil || status.Status().Code != tc.code {
				t.Fatalf("want status %d, got %v", tc.code, err)
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error lacks %q:\n%v", part, err)
				}
			}
		})
	}
}

// A field that is accepted and has no effect yet says so to whoever sets it.
func TestWarnings(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	uri := policyPath(ns) + "?fieldValidation=Warn"
	manifest := policy("p", all("ConfigMap"), on("member1"), "schedulePriority: {priorityClassSource: KubePriorityClass, priorityClassName: high}", "nosuch: 1")
	got, err := submit(t, hub.API, http.MethodPost, uri, manifest)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`unknown field "spec.nosuch"`, "spec.schedulePriority: has no effect yet"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if got, err := submit(t, hub.API, http.MethodPost, uri, policy("q", all("ConfigMap"), on("member1"))); err != nil || len(got) > 0 {
		t.Errorf("a plain policy: %v, warnings %q", err, got)
	}
}
