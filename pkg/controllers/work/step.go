/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package work

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/klog/v2"

	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/render"
)

const (
	// fieldManager owns in the members what Manifold sends.
	fieldManager = "manifold"
	// foreignCheck is how often an object that stands in the way is looked at again: those of others are not watched.
	foreignCheck = 15 * time.Second
	// goneCheck is how often an object that is being removed is looked at.
	goneCheck = time.Second
	// writePause is the least time between two writes of a Work's status of which the conditions stay as they are.
	writePause = 2 * time.Second
	// An object that others change more than maxDrifts times within driftWindow is reverted once per fightPause.
	maxDrifts   = 5
	driftWindow = time.Minute
	fightPause  = 15 * time.Second
)

// errGone reports that the reason for a deletion does not hold any more.
var errGone = errors.New("the work has changed meanwhile")

// step brings the objects of one Work to what they should be.
func (e *executor) step(ctx context.Context, key types.NamespacedName) (time.Duration, error) {
	w := e.work(key)
	if w == nil {
		e.mu.Lock()
		delete(e.entries, key)
		e.mu.Unlock()
		e.retire()
		return 0, nil
	}
	c := e.cluster()
	if c == nil {
		if w.DeletionTimestamp == nil {
			return 0, nil // nobody to send it to
		}
		return 0, e.release(ctx, w)
	}
	m := e.cfg.Fleet.Get(e.member)
	if m == nil || !m.Reachable() {
		if w.DeletionTimestamp != nil && c.DeletionTimestamp != nil {
			return 0, e.release(ctx, w) // the cluster leaves, and cannot be asked
		}
		return 0, nil // its return brings us back
	}
	items, err := plan(w, c)
	if err != nil {
		return 0, err
	}
	j := &job{executor: e, work: w, items: items, m: m}
	var wait time.Duration
	if w.DeletionTimestamp != nil {
		wait, err = j.removeAll(ctx)
	} else {
		wait, err = j.put(ctx)
	}
	if member.Away(err) && !errors.Is(err, errGone) {
		m.Suspect()
	}
	return wait, err
}

// release lets a Work go.
func (e *executor) release(ctx context.Context, w *workv1alpha1.Work) error {
	i := slices.Index(w.Finalizers, workv1alpha1.ExecutionFinalizer)
	if i < 0 {
		return nil
	}
	next := w.DeepCopy()
	next.Finalizers = slices.Delete(next.Finalizers, i, i+1)
	if _, err := e.cfg.Writer.Update(ctx, next); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("release work: %w", err)
	}
	return nil
}

// job is one step's work.
type job struct {
	*executor
	work  *workv1alpha1.Work
	items []item
	m     *member.Member
	// checked says that the reason to delete was read again from the store.
	checked bool
}

func (j *job) client(i item) dynamic.ResourceInterface {
	return j.m.Dynamic.Resource(i.kind.GroupVersion().WithResource(i.resource)).Namespace(i.namespace)
}

func (j *job) memory() *memory {
	key := types.NamespacedName{Namespace: j.work.Namespace, Name: j.work.Name}
	j.mu.Lock()
	defer j.mu.Unlock()
	m := j.entries[key]
	if m == nil {
		m = &memory{objects: map[object]*entry{}}
		j.entries[key] = m
	}
	return m // one Work is never worked on twice at the same time
}

// put sees to it that the member holds the manifests, and not what has left their list.
func (j *job) put(ctx context.Context) (time.Duration, error) {
	if suspended(j.work) {
		// What was never sent is not there; the rest is reported and else left alone.
		j.items = slices.DeleteFunc(j.items, func(i item) bool { return !named(j.work, i) })
	}
	if !recorded(j.work, j.items) {
		next := j.work.DeepCopy()
		r := result{pending: true, copies: map[object]*member.Copy{}}
		report(next, j.items, r, j.cfg.Clock.Now())
		stored, err := j.cfg.Writer.Update(ctx, next)
		if err != nil {
			return 0, fmt.Errorf("record what is to be sent: %w", err)
		}
		j.work = stored
	}
	r := result{copies: map[object]*member.Copy{}}
	var wait time.Duration
	var errs []error
	kept := j.items[:0:0]
	for _, i := range j.items {
		var again time.Duration
		var err error
		gone := false
		switch {
		case suspended(j.work):
			j.observe(i, &r)
		case i.ordinal < 0:
			gone, again, err = j.remove(ctx, i)
		default:
			again, err = j.apply(ctx, i, &r)
		}
		if err != nil {
			r.failed = append(r.failed, fmt.Sprintf("%s: %v", i, err))
			if !isRefusal(err) {
				errs = append(errs, err)
			}
		}
		if !gone {
			kept = append(kept, i)
		}
		wait = sooner(wait, again)
	}
	j.items = kept
	again, err := j.write(ctx, r)
	return sooner(wait, again), errors.Join(append(errs, err)...)
}

// sooner returns the shorter wait, where 0 means none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// refusal is an error that trying again at once does not help against.
type refusal string

func (r refusal) Error() string { return string(r) }

func isRefusal(err error) bool {
	var r refusal
	return errors.As(err, &r)
}

// observe takes in what the member reports of an object. known is false while nothing can be said.
func (j *job) observe(i item, r *result) (have *member.Copy, known bool) {
	if i.resource == "" {
		return nil, true
	}
	j.m.Want(i.kind, i.kind.GroupVersion().WithResource(i.resource))
	have, known = j.m.Copy(i.kind, i.key())
	if have != nil && have.WorkID == idOf(j.work) {
		r.copies[i.object] = have
	}
	return have, known
}

// apply sees to it that the member holds one manifest.
func (j *job) apply(ctx context.Context, i item, r *result) (time.Duration, error) {
	if i.resource == "" {
		return 0, refusal("the cluster does not serve " + i.kind.GroupVersion().String() + " " + i.kind.Kind)
	}
	have, known := j.observe(i, r)
	if !known {
		r.pending = true
		return 0, nil // Synced brings us back
	}
	objects := j.memory().objects
	e := objects[i.object]
	if e == nil {
		e = &entry{}
		objects[i.object] = e
	}
	hash := i.want.GetAnnotations()[workv1alpha2.ContentHashAnnotation]
	now := j.cfg.Clock.Now()
	what, why := judge(have, *e, idOf(j.work), hash, now)
	switch what {
	case settled:
		return 0, nil
	case awaits:
		return settleTime, nil
	case refuse:
		return foreignCheck, refusal(why)
	case look:
		if err := j.mayTake(ctx, i); err != nil {
			return foreignCheck, err
		}
	case compare:
		live, err := j.client(i).Get(ctx, i.name, metav1.GetOptions{})
		if err != nil {
			return 0, fmt.Errorf("compare: %w", err)
		}
		if render.Holds(i.want, live) {
			e.hash, e.accepted = hash, render.Fingerprint(live)
			return 0, nil
		}
		if wait := e.drifted(now); wait > 0 {
			return wait, refusal(fmt.Sprintf("somebody in the cluster keeps changing it; it is reverted every %s", fightPause))
		}
	}
	live, err := j.client(i).Apply(ctx, i.name, i.want, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if err != nil {
		return 0, fmt.Errorf("apply: %w", err)
	}
	live.SetGroupVersionKind(i.kind)
	e.hash, e.accepted, e.sent = hash, render.Fingerprint(live), now
	klog.FromContext(ctx).V(2).Info("Applied", "kind", i.kind.Kind, "object", i.key(), "created", have == nil)
	if r.copies[i.object] == nil {
		r.copies[i.object] = member.CopyOf(live)
	}
	return 0, nil
}

// drifted notes that others have changed the object, and returns for how long to leave it so.
func (e *entry) drifted(now time.Time) time.Duration {
	if e.drifts >= maxDrifts {
		if left := fightPause - now.Sub(e.sent); left > 0 {
			return left
		}
	}
	if now.Sub(e.driftsSince) > driftWindow {
		e.drifts, e.driftsSince = 0, now
	}
	e.drifts++
	return 0
}

// mayTake looks at the object itself and returns nil if there is none, or it may be written.
func (j *job) mayTake(ctx context.Context, i item) error {
	live, err := j.client(i).Get(ctx, i.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for an object of this name: %w", err)
	}
	mine, why := claim(live, j.work)
	switch {
	case why != "":
		return refusal(why)
	case mine || overwrites(j.work, i.want):
		return nil
	}
	return refusal(fmt.Sprintf("an object of this name exists that Manifold does not manage: the annotation %s: %s on the Work takes it over",
		workv1alpha2.ConflictResolutionAnnotation, workv1alpha2.ConflictResolutionOverwrite))
}

// write stores what is reported, if it differs from what is stored.
func (j *job) write(ctx context.Context, r result) (time.Duration, error) {
	next, now := j.work.DeepCopy(), j.cfg.Clock.Now()
	report(next, j.items, r, now)
	if equality.Semantic.DeepEqual(j.work.Status, next.Status) {
		return 0, nil
	}
	m := j.memory()
	if left := writePause - now.Sub(m.written); left > 0 && equality.Semantic.DeepEqual(j.work.Status.Conditions, next.Status.Conditions) {
		return left, nil
	}
	if _, err := j.cfg.Writer.Update(ctx, next); err != nil {
		return 0, fmt.Errorf("write status: %w", err)
	}
	m.written = now
	was, is := meta.FindStatusCondition(j.work.Status.Conditions, workv1alpha1.WorkApplied), meta.FindStatusCondition(next.Status.Conditions, workv1alpha1.WorkApplied)
	if is != nil && is.Status == metav1.ConditionFalse && (was == nil || was.Message != is.Message) {
		j.cfg.Events.Event(next, corev1.EventTypeWarning, "SyncFailed", is.Message)
	}
	return 0, nil
}
