/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"fmt"
	"strconv"
	"sync"
	"time"
	"weak"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// key is where an object is in the collection.
type key struct{ namespace, name string }

func (k key) less(other key) bool {
	if k.namespace != other.namespace {
		return k.namespace < other.namespace
	}
	return k.name < other.name
}

// record is a state of an object. It does not change.
type record struct {
	key
	cluster string
	uid     string
	own     string    // the resource version that its store gave it
	number  int64     // of the change that led to this state
	stale   time.Time // since when its member has not been heard of; zero for a member that is there
	data    []byte    // encoded

	mu     sync.Mutex
	shared weak.Pointer[shown] // guarded by mu; what watches are being told of this state, while any of them is
}

func less(a, b *record) bool { return a.key.less(b.key) }

// as returns the same state of the object under another number.
func (r *record) as(number int64, stale time.Time) *record {
	return &record{key: r.key, cluster: r.cluster, uid: r.uid, own: r.own, number: number, stale: stale, data: r.data}
}

// same reports whether two records tell the same of the same object.
func (r *record) same(other *record) bool {
	return r.uid == other.uid && r.own == other.own && r.cluster == other.cluster && r.stale.Equal(other.stale)
}

// shown is a decoded record, and by what it is selected.
type shown struct {
	object runtime.Object

	once   sync.Once // for what follows
	labels labels.Set
	fields fields.Set
	err    error
}

// attributes returns what a decoded record is selected by.
func (u *Union) attributes(s *shown) (labels.Set, fields.Set, error) {
	s.once.Do(func() { s.labels, s.fields, s.err = u.cfg.Attributes(s.object) })
	return s.labels, s.fields, s.err
}

// decode returns the object of a record, for the caller alone.
func (u *Union) decode(r *record) (runtime.Object, error) { return u.decodeAs(r, r.number) }

// decodeAs returns the object of a record with another number.
func (u *Union) decodeAs(r *record, number int64) (runtime.Object, error) {
	obj, err := u.cfg.Codec.Decode(r.data)
	if err != nil {
		return nil, fmt.Errorf("decode %s %s/%s: %w", u.cfg.Resource.Resource, r.namespace, r.name, err)
	}
	m, err := meta.Accessor(obj)
	if err != nil {
		return nil, fmt.Errorf("decode %s %s/%s: %w", u.cfg.Resource.Resource, r.namespace, r.name, err)
	}
	m.SetResourceVersion(strconv.FormatInt(number, 10))
	if !r.stale.IsZero() {
		u.cfg.Stale(obj, r.stale)
	}
	return obj, nil
}

// show returns the object of a record, shared with everybody who is told of the same state at about the same time.
func (u *Union) show(r *record) (*shown, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.shared.Value(); s != nil {
		return s, nil
	}
	obj, err := u.decode(r)
	if err != nil {
		return nil, err
	}
	s := &shown{object: obj}
	r.shared = weak.Make(s)
	return s, nil
}
