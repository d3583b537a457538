/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/watch"
)

// history is how many events of a resource a member remembers at least; a watch that asks for older ones is told to list again.
const history = 1024

// object is one state of an object. It never changes, but for other forms of it that are made when they are needed.
type object struct {
	key     types.NamespacedName
	version uint64
	labels  labels.Set
	data    []byte // JSON

	once     sync.Once // makes protobuf, or err
	protobuf []byte
	err      error
}

// decode returns a copy that may be changed.
func (o *object) decode() (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(o.data, &u.Object); err != nil {
		return nil, fmt.Errorf("read %s: %w", o.key, err)
	}
	return u, nil
}

// event is one change. before is nil for an object that has come.
type event struct {
	verb   watch.EventType
	object *object
	before *object
}

// table holds the objects of one resource in one member. The member's lock guards it.
type table struct {
	*kind
	objects map[types.NamespacedName]*object
	log     []event
	trimmed uint64        // version of the last event that the log has lost
	changed chan struct{} // closed by the next event
}

func newTable(k *kind) *table {
	return &table{kind: k, objects: map[types.NamespacedName]*object{}, changed: make(chan struct{})}
}

// append records an event and wakes up those that wait for one.
func (t *table) append(e event) {
	if len(t.log) >= 2*history {
		t.trimmed = t.log[len(t.log)-history-1].object.version
		t.log = append(make([]event, 0, 2*history), t.log[len(t.log)-history:]...)
	}
	t.log = append(t.log, e)
	close(t.changed)
	t.changed = make(chan struct{})
}

// since returns the events after a version, and what is closed by the one after them. ok is false when some of them are
// forgotten.
func (t *table) since(version uint64) (events []event, changed <-chan struct{}, ok bool) {
	if version < t.trimmed {
		return nil, nil, false
	}
	i := sort.Search(len(t.log), func(i int) bool { return t.log[i].object.version > version })
	return t.log[i:len(t.log):len(t.log)], t.changed, true
}

// table returns that of a kind, which is made when it is first needed. The lock must be held for writing.
func (m *Member) table(k *kind) *table {
	t := m.tables[k]
	if t == nil {
		t = newTable(k)
		m.tables[k] = t
	}
	return t
}

// put stores the next state of an object and returns it. The lock must be held for writing.
func (m *Member) put(t *table, u *unstructured.Unstructured) (*object, error) {
	key := types.NamespacedName{Namespace: u.GetNamespace(), Name: u.GetName()}
	u.SetResourceVersion(strconv.FormatUint(m.version+1, 10))
	data, err := json.Marshal(u.Object)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", key, err)
	}
	m.version++
	m.stats.Writes++
	next := &object{key: key, version: m.version, labels: u.GetLabels(), data: data}
	e := event{verb: watch.Modified, object: next, before: t.objects[key]}
	if e.before == nil {
		e.verb = watch.Added
	}
	t.objects[key] = next
	t.append(e)
	m.observe(t, u, false)
	return next, nil
}

// drop takes an object away and returns its last state. The lock must be held for writing.
func (m *Member) drop(t *table, o *object) (*object, error) {
	u, err := o.decode()
	if err != nil {
		return nil, err
	}
	u.SetResourceVersion(strconv.FormatUint(m.version+1, 10))
	data, err := json.Marshal(u.Object)
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", o.key, err)
	}
	m.version++
	m.stats.Writes++
	last := &object{key: o.key, version: m.version, labels: o.labels, data: data}
	delete(t.objects, o.key)
	t.append(event{verb: watch.Deleted, object: last, before: o})
	m.observe(t, u, true)
	return last, nil
}

// find returns the objects that a request is about, sorted, and the version they are of.
func (m *Member) find(k *kind, q *query) ([]*object, uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	t := m.tables[k]
	if t == nil {
		return nil, m.version
	}
	var out []*object
	for _, o := range t.objects {
		if q.covers(o) {
			out = append(out, o)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i].key, out[j].key
		return a.Namespace < b.Namespace || a.Namespace == b.Namespace && a.Name < b.Name
	})
	return out, m.version
}
