/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
)

const (
	// clusterAnnotation says where an object is from, staleAnnotation since when its cluster has not answered.
	clusterAnnotation = present.ClusterAnnotation
	staleAnnotation   = present.StaleAnnotation
	// ownName is the field by which objects are selected that have a name in their clusters.
	ownName = "metadata.name in the cluster"
)

// item is an object as the union holds it: under the name that it has in its cluster, with the cluster's behind it. Both are
// taken apart again before anybody sees it. It must not be changed: it is shared.
type item struct {
	*unstructured.Unstructured
	version string // the resource version that its cluster gave it
}

// DeepCopyObject implements runtime.Object.
func (i *item) DeepCopyObject() runtime.Object { return &item{i.DeepCopy(), i.version} }

func (i *item) cluster() string { return i.GetAnnotations()[clusterAnnotation] }

// plainName is the name in its cluster.
func (i *item) plainName() string { return strings.TrimSuffix(i.GetName(), "."+i.cluster()) }

// shown is the object as it is shown, with another resource version. It shares all but its metadata with the item.
func (i *item) shown(resourceVersion string) *unstructured.Unstructured {
	content := maps.Clone(i.Object)
	metadata, _ := content["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	metadata["name"], metadata["resourceVersion"] = i.plainName(), resourceVersion
	content["metadata"] = metadata
	return &unstructured.Unstructured{Object: content}
}

// items are a list of them.
type items struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []item
}

// DeepCopyObject implements runtime.Object.
func (l *items) DeepCopyObject() runtime.Object {
	out := &items{TypeMeta: l.TypeMeta, ListMeta: *l.ListMeta.DeepCopy()}
	for i := range l.Items {
		out.Items = append(out.Items, *l.Items[i].DeepCopyObject().(*item))
	}
	return out
}

// codec keeps objects as JSON, with the resource version that their cluster gave them.
type codec struct{}

// Encode implements union.Codec.
func (codec) Encode(obj runtime.Object) ([]byte, error) {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("a %T is no object of a member", obj)
	}
	return u.MarshalJSON()
}

// Decode implements union.Codec.
func (codec) Decode(data []byte) (runtime.Object, error) {
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	return &item{u, u.GetResourceVersion()}, nil
}

// show gives an object of a member a name that no other cluster's has, and says where it is from.
func show(cluster string, obj runtime.Object) error {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return fmt.Errorf("a %T is no object of a member", obj)
	}
	u.SetName(present.Name(u.GetName(), cluster))
	annotate(u, clusterAnnotation, cluster)
	return nil
}

// stale marks an object of a member that does not answer.
func stale(obj runtime.Object, since time.Time) {
	annotate(obj.(*item).Unstructured, staleAnnotation, since.UTC().Format(time.RFC3339))
}

func annotate(u *unstructured.Unstructured, key, value string) {
	annotations := u.GetAnnotations() // a copy
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	u.SetAnnotations(annotations)
}

// selectable are the fields by which objects of a kind are selected beside name and namespace, as Kubernetes has them. The
// value is what an object without the field counts as having.
var selectable = map[schema.GroupKind]map[string]string{
	{Kind: "Pod"}: {
		"spec.nodeName": "", "spec.restartPolicy": "", "spec.schedulerName": "", "spec.serviceAccountName": "", "spec.hostNetwork": "false",
		"status.phase": "", "status.podIP": "", "status.nominatedNodeName": "",
	},
	{Kind: "Node"}:                          {"spec.unschedulable": "false"},
	{Kind: "Namespace"}:                     {"status.phase": ""},
	{Kind: "Event"}:                         eventFields,
	{Group: "events.k8s.io", Kind: "Event"}: {"reason": "", "type": "", "reportingController": "", "regarding.kind": "", "regarding.namespace": "", "regarding.name": "", "regarding.uid": ""},
	{Kind: "Service"}:                       {"spec.clusterIP": "", "spec.type": ""},
	{Kind: "ReplicationController"}:         {"status.replicas": "0"},
	{Group: "apps", Kind: "ReplicaSet"}:     {"status.replicas": "0"},
	{Group: "batch", Kind: "Job"}:           {"status.successful": "0"},
}

var eventFields = map[string]string{
	"involvedObject.kind": "", "involvedObject.namespace": "", "involvedObject.name": "", "involvedObject.uid": "",
	"involvedObject.apiVersion": "", "involvedObject.resourceVersion": "", "involvedObject.fieldPath": "",
	"reason": "", "reportingComponent": "", "source": "", "type": "",
}

// attributes returns by what an object of a kind is selected.
func attributes(kind schema.GroupKind) func(runtime.Object) (labels.Set, fields.Set, error) {
	more := selectable[kind]
	return func(obj runtime.Object) (labels.Set, fields.Set, error) {
		i, ok := obj.(*item)
		if !ok {
			return nil, nil, fmt.Errorf("a %T is no object of a member", obj)
		}
		set := fields.Set{ownName: i.plainName(), "metadata.name": i.GetName(), "metadata.namespace": i.GetNamespace()}
		for path, otherwise := range more {
			value, found, err := unstructured.NestedFieldNoCopy(i.Object, strings.Split(path, ".")...)
			if err != nil || !found {
				value = otherwise
			}
			set[path] = fmt.Sprint(value)
		}
		return i.GetLabels(), set, nil
	}
}

// fieldOf checks a field of a selector.
func fieldOf(kind schema.GroupKind, label, value string) (string, string, error) {
	switch _, ok := selectable[kind][label]; {
	case ok, label == "metadata.name", label == "metadata.namespace":
		return label, value, nil
	}
	return "", "", fmt.Errorf("%s of %s cannot be selected by the field %q", kind.Kind, kind.Group, label)
}

// source lists and watches the objects of a member in the namespaces that registries name.
func source(cfg *rest.Config, resource schema.GroupVersionResource, within namespaces) (cache.ListerWatcher, error) {
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	var objects dynamic.ResourceInterface = client.Resource(resource)
	if len(within) == 1 {
		objects, within = client.Resource(resource).Namespace(within[0]), nil
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list, err := objects.List(ctx, o)
			if err != nil {
				return nil, err
			}
			return only(list, within), nil
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			w, err := objects.Watch(ctx, o)
			if err != nil || within == nil {
				return w, err
			}
			return watch.Filter(w, func(e watch.Event) (watch.Event, bool) {
				u, ok := e.Object.(*unstructured.Unstructured)
				return e, !ok || e.Type == watch.Bookmark || within.has(u.GetNamespace())
			}), nil
		},
	}, nil
}

// only leaves the objects of some namespaces in a list.
func only(list *unstructured.UnstructuredList, within namespaces) *unstructured.UnstructuredList {
	if within == nil {
		return list
	}
	kept := list.Items[:0]
	for i := range list.Items {
		if within.has(list.Items[i].GetNamespace()) {
			kept = append(kept, list.Items[i])
		}
	}
	list.Items = kept
	return list
}
