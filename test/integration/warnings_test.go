/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// warnings are what a server has said to a client in headers.
type warnings []string

func (w *warnings) HandleWarningHeader(_ int, _, text string) { *w = append(*w, text) }

// submit sends a manifest, which may be empty, by a plain request and returns the warnings of the answer. The URI is that of
// the object or of the collection, and may have a query. A patch is a merge patch.
func submit(t *testing.T, user *apitest.API, verb, uri, manifest string) ([]string, error) {
	t.Helper()
	var said warnings
	cfg := rest.CopyConfig(user.Config)
	cfg.WarningHandler = &said
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	req := client.Discovery().RESTClient().Verb(verb).RequestURI(uri)
	if manifest != "" {
		body, err := yaml.YAMLToJSON([]byte(manifest))
		if err != nil {
			t.Fatal(err)
		}
		kind := "application/json"
		if verb == http.MethodPatch {
			kind = "application/merge-patch+json"
		}
		req = req.SetHeader("Content-Type", kind).Body(body)
	}
	err = req.Do(t.Context()).Error()
	return said, err
}

// tryDry is submit of a dry run. A deletion with a manifest has to say in it that it is one: the query does not count then.
func tryDry(t *testing.T, user *apitest.API, verb, path, manifest string) ([]string, error) {
	t.Helper()
	return submit(t, user, verb, path+"?dryRun=All", manifest)
}

// dry is tryDry of the administrator, which must be accepted.
func dry(t *testing.T, verb, path, manifest string) []string {
	t.Helper()
	said, err := tryDry(t, hub.API, verb, path, manifest)
	if err != nil {
		t.Fatalf("%s %s: %v", verb, path, err)
	}
	return said
}

// offer asks the hub what it would say to a new policy. Only warnings about fields are returned.
func offer(t *testing.T, path, manifest string) []string {
	t.Helper()
	said := dry(t, http.MethodPost, "/apis/policy.karmada.io/v1alpha1/"+path, manifest)
	return slices.DeleteFunc(said, func(w string) bool { return !strings.HasPrefix(w, "spec.") })
}
