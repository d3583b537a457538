/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package local

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
)

var (
	deployments = appsv1.SchemeGroupVersion.WithResource("deployments")
	deployment  = appsv1.SchemeGroupVersion.WithKind("Deployment")
	web         = types.NamespacedName{Namespace: "shop", Name: "web"}
)

func newDeployment() *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: web.Namespace, Name: web.Name, UID: "u", Labels: map[string]string{"a": "b"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](3),
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}}},
		},
		Status: appsv1.DeploymentStatus{Replicas: 1, ReadyReplicas: 1},
	}
}

// storage holds one Deployment. Its type is registered in the external version alone, so it needs no conversion.
type storage struct {
	rest.Storage
	object *appsv1.Deployment
}

func (s *storage) NewList() runtime.Object { return &appsv1.DeploymentList{} }

func (s *storage) List(context.Context, *internalversion.ListOptions) (runtime.Object, error) {
	return &appsv1.DeploymentList{ListMeta: metav1.ListMeta{ResourceVersion: "7"}, Items: []appsv1.Deployment{*s.object}}, nil
}

func (s *storage) ConvertToTable(context.Context, runtime.Object, runtime.Object) (*metav1.Table, error) {
	return &metav1.Table{}, nil
}

func (s *storage) Watch(context.Context, *internalversion.ListOptions) (watch.Interface, error) {
	w := watch.NewFakeWithChanSize(2, false)
	w.Add(s.object)
	w.Error(&metav1.Status{Code: 410})
	return w, nil
}

func (s *storage) Get(_ context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	if name != s.object.Name {
		return nil, apierrors.NewNotFound(deployments.GroupResource(), name)
	}
	return s.object, nil
}

func newResources() (*Resources, *storage) {
	s := &storage{object: newDeployment()}
	r := New(scheme.Scheme)
	r.Add(deployments.GroupVersion(), map[string]rest.Storage{deployments.Resource: s})
	return r, s
}

// What is handed out is what a client would have decoded.
func TestUnstructured(t *testing.T) {
	t.Parallel()
	r, s := newResources()
	kept := s.object.DeepCopy()
	got, ok, err := r.Get(t.Context(), deployments, deployment, web)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if diff := cmp.Diff(kept, s.object); diff != "" {
		t.Errorf("the stored object was changed:\n%s", diff)
	}
	kept.SetGroupVersionKind(deployment)
	kept.SetManagedFields(nil)
	data, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{}
	if err := utiljson.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&unstructured.Unstructured{Object: want}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, ok, err := r.Get(t.Context(), deployments, deployment, types.NamespacedName{Name: "other"}); !ok || !apierrors.IsNotFound(err) {
		t.Errorf("another name: %v, %v", ok, err)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	r, s := newResources()
	lw, ok := r.Metadata(deployments)
	if !ok {
		t.Fatal("deployments are not served")
	}
	want := metav1.PartialObjectMetadata{ObjectMeta: *s.object.ObjectMeta.DeepCopy()}
	want.ManagedFields = nil
	list, err := lw.ListWithContext(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&metav1.PartialObjectMetadataList{ListMeta: metav1.ListMeta{ResourceVersion: "7"}, Items: []metav1.PartialObjectMetadata{want}}, list); diff != "" {
		t.Errorf("list, -want +got:\n%s", diff)
	}
	w, err := lw.WatchWithContext(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if diff := cmp.Diff(watch.Event{Type: watch.Added, Object: &want}, <-w.ResultChan()); diff != "" {
		t.Errorf("watch, -want +got:\n%s", diff)
	}
	if e := <-w.ResultChan(); e.Type != watch.Error || e.Object.(*metav1.Status).Code != 410 {
		t.Errorf("the error became %v", e)
	}
	if len(s.object.ManagedFields) != 1 {
		t.Error("the stored object was changed")
	}
}

func TestWithStatus(t *testing.T) {
	t.Parallel()
	internal := schema.GroupVersion{Group: appsv1.GroupName, Version: runtime.APIVersionInternal}
	both := runtime.NewScheme()
	both.AddKnownTypes(appsv1.SchemeGroupVersion, &appsv1.Deployment{})
	both.AddKnownTypes(internal, &appsv1.Deployment{})
	r, stored := New(both), newDeployment()
	got, err := r.withStatus(stored, appsv1.SchemeGroupVersion, map[string]any{"replicas": int64(5), "observedGeneration": int64(2)})
	if err != nil {
		t.Fatal(err)
	}
	want := newDeployment()
	want.Status = appsv1.DeploymentStatus{Replicas: 5, ObservedGeneration: 2}
	got.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	if diff := cmp.Diff(runtime.Object(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(newDeployment(), stored); diff != "" {
		t.Errorf("the stored object was changed:\n%s", diff)
	}
	if _, err := r.withStatus(stored, appsv1.SchemeGroupVersion, map[string]any{"replicas": "many"}); !apierrors.IsBadRequest(err) {
		t.Errorf("a status of the wrong type: %v", err)
	}
}

func TestWhatIsNotServed(t *testing.T) {
	t.Parallel()
	r, _ := newResources()
	pods := corev1.SchemeGroupVersion.WithResource("pods")
	if _, ok := r.ListWatch(pods); ok {
		t.Error("pods can be listed")
	}
	if _, ok := r.Metadata(pods); ok {
		t.Error("metadata of pods can be listed")
	}
	if _, ok, err := r.Get(t.Context(), pods, corev1.SchemeGroupVersion.WithKind("Pod"), web); ok || err != nil {
		t.Error("a pod can be read", ok, err)
	}
	if ok, err := r.SetStatus(t.Context(), deployments, web, "u", nil); ok || err != nil {
		t.Error("a status can be written without a status subresource", ok, err)
	}
}
