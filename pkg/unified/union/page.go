/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/third_party/forked/golang/btree"
)

// maxSnapshots is how many lists in pages may be under way at different states. The oldest has to be begun again when there
// are more.
const maxSnapshots = 32

// keyPrefix stands before the keys in the tokens of lists in pages.
const keyPrefix = "/"

// snapshot is the collection as it was after the event of a number.
type snapshot struct {
	number int64
	tree   *btree.BTree[*record] // never changes
	used   time.Time
}

// page is what a list asks for.
type page struct {
	limit int    // 0: everything
	start key    // the first object
	exact int64  // the number of the state that is asked for; 0: the present one
	token bool   // it continues a list
	least uint64 // a number that the state must have at least
}

// parsePage reads the options of a list.
func (u *Union) parsePage(o *internalversion.ListOptions) (page, error) {
	if errs := validation.ValidateListOptions(&internalversion.ListOptions{
		ResourceVersion: o.ResourceVersion, ResourceVersionMatch: o.ResourceVersionMatch, Continue: o.Continue, SendInitialEvents: o.SendInitialEvents,
	}, true); len(errs) > 0 {
		return page{}, apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "ListOptions"}, "", errs)
	}
	p := page{limit: int(o.Limit)}
	if o.Continue != "" {
		return p, p.resume(o)
	}
	n, err := parseVersion(o.ResourceVersion)
	if err != nil {
		return page{}, err
	}
	switch {
	case o.ResourceVersionMatch == metav1.ResourceVersionMatchExact,
		// Before there was resourceVersionMatch, this was how to ask for it.
		o.ResourceVersionMatch == "" && o.Limit > 0 && n > 0:
		p.exact = int64(n)
	case o.ResourceVersion == "0":
		p.limit = 0 // as from Kubernetes' caches: who takes any state gets it whole
	default:
		p.least = n
	}
	return p, nil
}

func parseVersion(rv string) (uint64, error) {
	n, err := storage.APIObjectVersioner{}.ParseResourceVersion(rv)
	if err != nil || int64(n) < 0 {
		return 0, apierrors.NewBadRequest(fmt.Sprintf("invalid resource version %q: must be a decimal number as found in an object or list", rv))
	}
	return n, nil
}

// resume reads the token of a list that goes on.
func (p *page) resume(o *internalversion.ListOptions) error {
	if o.ResourceVersion != "" && o.ResourceVersion != "0" {
		return apierrors.NewBadRequest("resourceVersion must not be given together with continue, which names a state of its own")
	}
	from, number, err := storage.DecodeContinue(o.Continue, keyPrefix)
	if err != nil {
		return apierrors.NewBadRequest(fmt.Sprintf("invalid continue token: %v", err))
	}
	p.token = true
	p.exact = max(0, number) // negative: at the present state
	namespace, name, found := strings.Cut(strings.TrimPrefix(from, keyPrefix), "/")
	if !found {
		namespace, name = "", namespace
	}
	p.start = key{namespace, name}
	return nil
}

// after is the first key behind that of a record.
func (k key) after() key { return key{k.namespace, k.name + "\x00"} }

// path is a key as it stands in tokens.
func (k key) path() string {
	if k.namespace == "" {
		return keyPrefix + k.name
	}
	return keyPrefix + k.namespace + "/" + k.name
}

// chunk is how many candidates to look at next, having found some objects already; 0 for all.
func (p page) chunk(everything bool, found int) int {
	switch {
	case p.limit == 0:
		return 0
	case everything:
		return p.limit - found
	}
	return max(500, 2*(p.limit-found)) // some will not be selected
}

// rest is what comes behind the last record of a page, which is known to be something.
func (p page) rest(from snapshot, in scope, last *record) (*rest, error) {
	token, err := storage.EncodeContinue(last.after().path(), keyPrefix, from.number)
	if err != nil {
		return nil, fmt.Errorf("make a continue token: %w", err)
	}
	out := &rest{token: token}
	if in.everything() && in.Clusters == nil {
		behind, _ := from.records(in, last.after(), 0)
		n := int64(len(behind))
		out.count = &n
	}
	return out, nil
}

// records returns the records from a key on that a scope may hold, at most limit if that is not 0, and whether there are more.
func (s snapshot) records(in scope, start key, limit int) (found []*record, more bool) {
	if in.namespace > start.namespace {
		start = key{namespace: in.namespace}
	}
	if name, one := in.name(); one && in.namespace != "" {
		r, ok := s.tree.Get(&record{key: key{in.namespace, name}})
		if ok && !r.less(start) && in.holds(r) {
			found = append(found, r)
		}
		return found, false
	}
	s.tree.AscendGreaterOrEqual(&record{key: start}, func(r *record) bool {
		if in.namespace != "" && r.namespace != in.namespace {
			return false
		}
		if !in.holds(r) {
			return true
		}
		if limit > 0 && len(found) == limit {
			more = true
			return false
		}
		found = append(found, r)
		return true
	})
	return found, more
}

// snapshot returns the state that a page asks for.
func (u *Union) snapshot(p page) (snapshot, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := &u.state
	if s.spawn == nil {
		return snapshot{}, u.unavailable() // it has ended meanwhile, and is empty
	}
	if err := s.reaches(p.least); err != nil {
		return snapshot{}, err
	}
	if p.exact == 0 || p.exact == s.latest() {
		return s.present(), nil
	}
	if p.exact >= smallest && s.sequence.own(p.exact) && p.exact > s.latest() {
		return snapshot{}, storage.NewTooLargeResourceVersionError(uint64(p.exact), uint64(s.latest()), 1)
	}
	for _, held := range s.snapshots {
		if held.number == p.exact {
			return held, nil
		}
	}
	return snapshot{}, expiredPage(p)
}

// reaches checks that the present state is not older than a number that somebody has seen. Another process's numbers say
// nothing about that.
func (s *state) reaches(least uint64) error {
	switch n := int64(least); {
	case n < smallest: // of one store; the union follows it
		return nil
	case !s.sequence.own(n):
		return apierrors.NewResourceExpired(fmt.Sprintf("the resource version %d is not known here; list without one", least))
	case n > s.latest():
		return storage.NewTooLargeResourceVersionError(least, uint64(s.latest()), 1)
	}
	return nil
}

// expiredPage says that a state is not held any more, and how the rest of a list can be had all the same.
func expiredPage(p page) error {
	if !p.token {
		return apierrors.NewResourceExpired(fmt.Sprintf("the state of resource version %d is not kept any more; list without one", p.exact))
	}
	err := apierrors.NewResourceExpired("the state that this list was begun at is not kept any more. Begin a new list without the continue token, " +
		"or use the token in this answer, which gives the rest as it is now: what changed in between may be missing or twice")
	if token, tokenErr := storage.EncodeContinue(p.start.path(), keyPrefix, -1); tokenErr == nil {
		err.ErrStatus.ListMeta.Continue = token
	}
	return err
}

// keep holds a snapshot for the next page.
func (u *Union) keep(from snapshot) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := &u.state
	from.used = u.cfg.Clock.Now()
	for i := range s.snapshots {
		if s.snapshots[i].number == from.number {
			s.snapshots[i].used = from.used
			return
		}
	}
	if from.number < s.history.base && len(s.parts) == 0 {
		return // everything has been forgotten meanwhile
	}
	s.snapshots = append(s.snapshots, from)
	if len(s.snapshots) > maxSnapshots {
		s.snapshots = append([]snapshot(nil), s.snapshots[1:]...)
	}
}

// expire forgets the snapshots that have not been used since a time.
func (s *state) expire(since time.Time) {
	var kept []snapshot
	for _, held := range s.snapshots {
		if !held.used.Before(since) {
			kept = append(kept, held)
		}
	}
	s.snapshots = kept
}
