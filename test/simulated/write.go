/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"fmt"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// now is the time as objects hold it.
func now() string { return time.Now().UTC().Format(time.RFC3339) }

// write is one request to change an object.
type write struct {
	*kind
	key     types.NamespacedName
	manager string
	body    *unstructured.Unstructured
}

// create stores a new object.
func (m *Member) create(w write) (*object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, exists := m.table(w.kind).objects[w.key]; exists {
		return nil, apierrors.NewAlreadyExists(w.resource().GroupResource(), w.key.Name)
	}
	owned := fieldsOf(w.body.Object)
	return m.insert(w, "Update", owned)
}

// insert completes a new object and stores it. The lock must be held for writing.
func (m *Member) insert(w write, operation string, owned ownership) (*object, error) {
	if w.namespaced {
		if _, exists := m.table(namespaces).objects[types.NamespacedName{Name: w.key.Namespace}]; !exists {
			return nil, apierrors.NewNotFound(namespaces.resource().GroupResource(), w.key.Namespace)
		}
	}
	u, stamp := w.body, now()
	u.SetGroupVersionKind(w.GroupVersionKind)
	u.SetNamespace(w.key.Namespace)
	u.SetName(w.key.Name)
	m.made++
	u.SetUID(m.uid(m.made))
	metadata := u.Object["metadata"].(map[string]any) // the name is in it
	metadata["creationTimestamp"] = stamp
	delete(metadata, "managedFields")
	if _, has := u.Object["spec"]; has {
		u.SetGeneration(1)
	}
	own(u, w.manager, operation, stamp, owned)
	return m.putSent(w.kind, u)
}

// putSent stores what a client has sent. The lock must be held for writing.
func (m *Member) putSent(k *kind, u *unstructured.Unstructured) (*object, error) {
	t := m.table(k)
	o, err := m.put(t, u)
	if err != nil {
		return nil, err
	}
	m.stats.Sent++
	m.play(t, o)
	return o, nil
}

// apply is server-side apply, with all conflicts forced.
func (m *Member) apply(w write) (o *object, created bool, err error) {
	delete(w.body.Object, "status")
	owned := fieldsOf(w.body.Object)
	m.mu.Lock()
	defer m.mu.Unlock()
	live := m.table(w.kind).objects[w.key]
	if live == nil {
		if w.body.GetUID() != "" {
			return nil, false, m.otherUID(w, "")
		}
		o, err = m.insert(w, "Apply", owned)
		return o, true, err
	}
	before, err := live.decode()
	if err != nil {
		return nil, false, err
	}
	if uid := w.body.GetUID(); uid != "" && uid != before.GetUID() {
		return nil, false, m.otherUID(w, before.GetUID())
	}
	next := before.DeepCopy()
	merge(next.Object, w.body.Object)
	own(next, w.manager, "Apply", now(), owned)
	o, err = m.replace(w.kind, live, before, next)
	return o, false, err
}

// update replaces an object but for its status.
func (m *Member) update(w write) (*object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	live := m.table(w.kind).objects[w.key]
	if live == nil {
		return nil, apierrors.NewNotFound(w.resource().GroupResource(), w.key.Name)
	}
	before, err := live.decode()
	if err != nil {
		return nil, err
	}
	if v := w.body.GetResourceVersion(); v != "" && v != before.GetResourceVersion() {
		return nil, apierrors.NewConflict(w.resource().GroupResource(), w.key.Name, fmt.Errorf("the object is at version %s, not %s", before.GetResourceVersion(), v))
	}
	next := w.body
	next.SetGroupVersionKind(w.GroupVersionKind)
	next.SetNamespace(w.key.Namespace)
	next.SetName(w.key.Name)
	next.SetUID(before.GetUID())
	next.SetGeneration(before.GetGeneration())
	next.SetCreationTimestamp(before.GetCreationTimestamp())
	next.SetResourceVersion(before.GetResourceVersion())
	delete(next.Object, "status")
	if status, has := before.Object["status"]; has {
		next.Object["status"] = status
	}
	return m.replace(w.kind, live, before, next)
}

// replace stores next unless it is what is there already. The lock must be held for writing.
func (m *Member) replace(k *kind, live *object, before, next *unstructured.Unstructured) (*object, error) {
	if reflect.DeepEqual(before.Object, next.Object) {
		return live, nil
	}
	if !reflect.DeepEqual(before.Object["spec"], next.Object["spec"]) {
		next.SetGeneration(before.GetGeneration() + 1)
	}
	return m.putSent(k, next)
}

// remove deletes an object; uid is empty for any. A namespace takes with it what is in it.
func (m *Member) remove(k *kind, key types.NamespacedName, uid types.UID) (*object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.table(k)
	o := t.objects[key]
	if o == nil {
		return nil, apierrors.NewNotFound(k.resource().GroupResource(), key.Name)
	}
	if uid != "" {
		u, err := o.decode()
		if err != nil {
			return nil, err
		}
		if u.GetUID() != uid {
			return nil, m.otherUID(write{kind: k, key: key}, u.GetUID())
		}
	}
	if k == namespaces {
		for _, inside := range m.tables {
			for k, o := range inside.objects {
				if k.Namespace != key.Name {
					continue
				}
				if _, err := m.drop(inside, o); err != nil {
					return nil, err
				}
			}
		}
	}
	m.stats.Sent++
	return m.drop(t, o)
}

func (m *Member) otherUID(w write, have types.UID) error {
	return apierrors.NewConflict(w.resource().GroupResource(), w.key.Name, fmt.Errorf("precondition failed: the object's UID is %q", have))
}
