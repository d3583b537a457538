/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apitest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/manifold-k8s/manifold/pkg/generated/clientset/versioned"
)

// API is access to one API server, that of a hub or of a member, for one user. Resources are named as kubectl takes
// them: "configmaps", "deployments.apps".
type API struct {
	Name       string
	Kubeconfig string // path of the file
	Config     *rest.Config
	Kube       kubernetes.Interface
	Manifold   versioned.Interface // of use on a hub only

	dynamic dynamic.Interface
	mapper  meta.ResettableRESTMapper
}

// NewAPI returns access by a kubeconfig, without any limit of requests.
func NewAPI(name, kubeconfig string) (*API, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	cfg.QPS = -1
	cfg.WarningHandler = rest.NoWarnings{}
	a := &API{Name: name, Kubeconfig: kubeconfig, Config: cfg}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	a.Kube = client
	if a.Manifold, err = versioned.NewForConfig(cfg); err != nil {
		return nil, err
	}
	if a.dynamic, err = dynamic.NewForConfig(cfg); err != nil {
		return nil, err
	}
	a.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	return a, nil
}

// Objects returns the client of a resource in a namespace; an empty one means all, or that the kind has none.
func (a *API) Objects(resource, namespace string) (dynamic.ResourceInterface, error) {
	gvr, err := again(a, func() (schema.GroupVersionResource, error) {
		return a.mapper.ResourceFor(schema.ParseGroupResource(resource).WithVersion(""))
	})
	if err != nil {
		return nil, err
	}
	return a.dynamic.Resource(gvr).Namespace(namespace), nil
}

// again calls f, once more if it asks for a kind that is not known: it may have come since the kinds were read.
func again[T any](a *API, f func() (T, error)) (T, error) {
	out, err := f()
	if meta.IsNoMatchError(err) {
		a.mapper.Reset()
		return f()
	}
	return out, err
}

// parse returns the objects of a manifest of one or more documents.
func parse(manifest string) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for doc := range strings.SplitSeq(manifest, "\n---\n") {
		data, err := yaml.YAMLToJSON([]byte(doc))
		u := &unstructured.Unstructured{}
		if err == nil {
			err = u.UnmarshalJSON(data)
		}
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, doc)
		}
		out = append(out, u)
	}
	return out, nil
}

// TryCreate creates the objects of a manifest, in the namespace unless they name one or have none.
func (a *API) TryCreate(ctx context.Context, namespace, manifest string) ([]*unstructured.Unstructured, error) {
	objs, err := parse(manifest)
	if err != nil {
		return nil, err
	}
	for i, u := range objs {
		gvk := u.GroupVersionKind()
		mapping, err := again(a, func() (*meta.RESTMapping, error) { return a.mapper.RESTMapping(gvk.GroupKind(), gvk.Version) })
		if err != nil {
			return nil, err
		}
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace && u.GetNamespace() == "" {
			u.SetNamespace(namespace)
		}
		made, err := a.dynamic.Resource(mapping.Resource).Namespace(u.GetNamespace()).Create(ctx, u, metav1.CreateOptions{})
		if err != nil {
			return nil, fmt.Errorf("create %s %s: %w", u.GetKind(), u.GetName(), err)
		}
		objs[i] = made
	}
	return objs, nil
}

// Create creates the objects of a manifest and returns them as they were stored.
func (a *API) Create(t testing.TB, namespace, manifest string) []*unstructured.Unstructured {
	t.Helper()
	objs, err := a.TryCreate(t.Context(), namespace, manifest)
	if err != nil {
		t.Fatal(err)
	}
	return objs
}

// Patch sends a merge patch, written as YAML or JSON.
func (a *API) Patch(t testing.TB, resource, namespace, name, patch string) {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	client, err := a.Objects(resource, namespace)
	if err == nil {
		_, err = client.Patch(t.Context(), name, types.MergePatchType, data, metav1.PatchOptions{})
	}
	if err != nil {
		t.Fatalf("patch %s %s: %v", resource, name, err)
	}
}

// Delete deletes an object in the background.
func (a *API) Delete(t testing.TB, resource, namespace, name string) {
	t.Helper()
	a.DeleteWith(t, resource, namespace, name, metav1.DeletePropagationBackground)
}

// DeleteWith deletes an object, and does with its dependents as how says.
func (a *API) DeleteWith(t testing.TB, resource, namespace, name string, how metav1.DeletionPropagation) {
	t.Helper()
	client, err := a.Objects(resource, namespace)
	if err == nil {
		err = client.Delete(t.Context(), name, metav1.DeleteOptions{PropagationPolicy: &how})
	}
	if err != nil {
		t.Fatalf("delete %s %s: %v", resource, name, err)
	}
}

// Get reads an object.
func (a *API) Get(ctx context.Context, resource, namespace, name string) (*unstructured.Unstructured, error) {
	client, err := a.Objects(resource, namespace)
	if err != nil {
		return nil, err
	}
	u, err := client.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	return u, nil
}

// Has returns an error unless the object exists.
func (a *API) Has(ctx context.Context, resource, namespace, name string) error {
	_, err := a.Get(ctx, resource, namespace, name)
	return err
}

// Lacks returns an error unless the server says that the object does not exist.
func (a *API) Lacks(ctx context.Context, resource, namespace, name string) error {
	u, err := a.Get(ctx, resource, namespace, name)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%s has %s %s, deleted at %v, held by %v", a.Name, resource, name, u.GetDeletionTimestamp(), u.GetFinalizers())
}
