/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"strconv"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// Find returns what is known of one object, and starts and waits for nothing. lag is nil if it is up to date. The object must
// not be changed.
func (u *Union) Find(namespace, name string) (obj runtime.Object, lag *Lag, ok bool) {
	u.mu.RLock()
	r := u.state.find(namespace, name)
	if r != nil {
		if p := u.state.parts[r.cluster]; r.cluster != Hub && p != nil && !p.current() {
			l := p.lag()
			lag = &l
		}
	}
	u.mu.RUnlock()
	if r == nil {
		return nil, nil, false
	}
	shown, err := u.show(r)
	if err != nil {
		utilruntime.HandleError(err)
		return nil, nil, false // the caller asks the object's own store
	}
	return shown.object, lag, true
}

// Original translates a resource version of the union, for an object, into the one that the object's store gave the same
// state. It is not ok if that is not known, or not any more.
func (u *Union) Original(namespace, name, resourceVersion string) (own string, ok bool) {
	n, err := strconv.ParseInt(resourceVersion, 10, 64)
	if err != nil {
		return "", false
	}
	u.mu.RLock()
	defer u.mu.RUnlock()
	if r := u.state.find(namespace, name); r != nil && r.number == n {
		return r.own, true
	}
	if e := u.state.history.find(n); e != nil && e.now.key == (key{namespace, name}) {
		return e.now.own, true
	}
	return "", false
}

// Wrote says that an object has been written or deleted through the hub, and which resource version its store answered with;
// "" if that is not known. Lists then wait, for a bounded time, until they can tell of it. name is the object's on the hub.
func (u *Union) Wrote(cluster, namespace, name, own string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	p := u.state.parts[cluster]
	if p == nil {
		return // what will be read is no older
	}
	k := key{namespace, name}
	w := write{revision: revision(own), before: p.objects[k], until: u.cfg.Clock.Now().Add(u.pace.write)}
	if w.revision == 0 {
		if w.before == nil {
			return // it was deleted, and that has been seen
		}
		w.until = u.cfg.Clock.Now().Add(u.pace.unsure)
	}
	p.writes[k] = w
}
