/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/klog/v2"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/render"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

const (
	// settleTime is how long the member's watch may take to report what we have just sent.
	settleTime = 2 * time.Second
	// foreignCheck is how often an object that stands in the way and is not ours is looked at again: it is not watched.
	foreignCheck = 15 * time.Second
	// namespaceCheck is how often an object is tried again whose namespace is being deleted in the member.
	namespaceCheck = 5 * time.Second
)

// step makes the copy of one binding in this member what it should be.
func (s *syncer) step(ctx context.Context, key types.NamespacedName) (time.Duration, error) {
	b := s.cfg.Bindings.Get(key)
	if b == nil {
		// Nothing is recorded, so nothing is deleted: a binding that is deleted stays until its copies are gone.
		s.forget(key)
		return 0, nil
	}
	m := s.cfg.Fleet.Get(s.member)
	if m == nil {
		s.postpone(ctx, key)
		return 0, nil // the connection brings us back
	}
	leaving := b.DeletionTimestamp != nil || binding.Target(b, s.member) == nil
	w, ok := s.whereabouts(m, binding.TemplateKind(b), leaving)
	if !ok {
		return 0, nil // OnSynced of the templates, or Synced of the member, brings us back
	}
	object := types.NamespacedName{Namespace: b.Spec.Resource.Namespace, Name: b.Spec.Resource.Name}
	have, known := m.Copy(w.kind, object)
	j := job{syncer: s, site: m, binding: b, key: key, have: have, again: s.again(ctx, key), meter: s.cfg.Telemetry.Of(s.member)}
	if !m.Reachable() {
		s.postpone(ctx, key)
		return j.foresee(), nil // its return brings us back
	}
	switch {
	case w.serving == member.Gone && leaving:
		j.gone() // with its kind
		return 0, nil
	case w.serving == member.Gone || w.serving == member.Unserved:
		j.unserved(leaving)
		return 0, nil // Synced brings us back when it can be reached
	case !known && !loop.Fresh(ctx):
		return 0, nil // Synced brings us back
	}
	j.live = j.read().live
	j.client = m.Objects(w.resource, object.Namespace)
	var wait time.Duration
	var err error
	if !known {
		// The member has so many copies that they have not all been told of; what somebody has just changed does not wait
		// for the others.
		_, err = j.look(ctx)
	}
	switch {
	case err != nil:
		j.fail("SyncFailed", err)
	case leaving:
		wait, err = j.remove(ctx)
	default:
		wait, err = j.put(ctx)
	}
	if member.Away(err) {
		m.Suspect()
	}
	return wait, err
}

// job is one step's work.
type job struct {
	*syncer
	site    *member.Member
	binding *binding.Binding
	key     types.NamespacedName
	have    *member.Copy               // nil: the member holds no copy
	live    *unstructured.Unstructured // the copy itself, if it has changed since it was last looked at
	client  dynamic.ResourceInterface
	again   func() // asks for another step, as fresh as this one
	meter   *telemetry.Member
	origin  telemetry.Origin // of what is being sent

	scale  []string // where the manifest holds the number of replicas; nil for what has none
	scaler string   // the autoscaler in the member that decides about that number; empty for none
}

// again returns what asks for another step on a binding, as fresh as the one under way is.
func (s *syncer) again(ctx context.Context, key types.NamespacedName) func() {
	if loop.Fresh(ctx) {
		return func() { s.loop.Add(key) }
	}
	return func() { s.loop.AddBacklog(key) }
}

// read returns the entry as it is.
func (j *job) read() entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e := j.entries[j.key]; e != nil {
		return *e
	}
	return entry{}
}

// record changes the entry and tells the listeners if the outcome is another one.
func (j *job) record(f func(*entry)) {
	j.mu.Lock()
	e := j.entries[j.key]
	if e == nil {
		e = &entry{}
		j.entries[j.key] = e
	}
	before := e.Outcome
	f(e)
	after := e.Outcome
	j.mu.Unlock()
	if before.Hash == after.Hash && before.Failed == after.Failed && before.Gone == after.Gone && before.Generation == after.Generation {
		return
	}
	for _, f := range j.changed {
		f(j.key)
	}
}

// maxMessage bounds what a binding's status repeats of a member's errors, in bytes.
const maxMessage = 1024

// fail records why the member has not got what it should, and says so in an event when that is new.
func (j *job) fail(reason string, err error) {
	message := err.Error()
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage-3], "") + "..."
	}
	if j.read().Failed != message {
		j.cfg.Events.Eventf(j.template(), corev1.EventTypeWarning, reason, "%s: %s", j.member, message)
	}
	j.meter.Fail(errorReason(reason, err))
	j.record(func(e *entry) { e.Failed, e.Gone = message, "" })
}

// template is what events are about: the object that the user knows.
func (j *job) template() *corev1.ObjectReference {
	r := j.binding.Spec.Resource
	return &corev1.ObjectReference{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, UID: r.UID}
}

// manifest returns what the member should hold, or nil when that cannot be said now, or nothing may be sent. Then it is to
// be asked again after wait, if that is positive.
func (j *job) manifest() (want *unstructured.Unstructured, wait time.Duration) {
	if !binding.Enforced(j.binding, j.member) {
		j.record(func(e *entry) { e.Generation = j.binding.Generation })
		return nil, 0 // no policy governs the template any more, and nobody needs it here: what was propagated stays as it is
	}
	if binding.Suspended(j.binding, j.member) {
		j.record(func(e *entry) { e.Failed, e.Gone = "dispatching to this cluster is suspended", "" })
		return nil, 0
	}
	tmpl, known := j.cfg.Templates.Get(refOf(j.binding))
	if !known || tmpl == nil || tmpl.GetUID() != j.binding.Spec.Resource.UID {
		return nil, 0 // placement sees the same and decides
	}
	if j.cfg.Templates.NamespaceGoes(j.binding.Namespace) {
		return nil, 0 // with all that is in it, here and in the members
	}
	if n, workload := interpret.Of(tmpl.GroupVersionKind()).Replicas(tmpl); workload && n != j.binding.Spec.Replicas {
		return nil, 0 // scaled, and not divided yet: the binding follows
	}
	if j.read().Gone != "" { // not for long
		j.record(func(e *entry) { e.Gone = "" })
	}
	if !j.findScaler(tmpl) {
		return nil, 0 // Scaling brings us back
	}
	return j.render(tmpl)
}

// foresee records what a member that is away should hold, so that nobody takes its old copy for the current one. When that
// cannot be said now, it is to be called again after wait, if that is positive.
func (j *job) foresee() (wait time.Duration) {
	if j.binding.DeletionTimestamp != nil || binding.Target(j.binding, j.member) == nil {
		return 0
	}
	want, wait := j.manifest()
	if want != nil {
		replicas := replicasIn(want)
		j.record(func(e *entry) {
			e.Hash, e.Replicas, e.Gone, e.Generation = want.GetAnnotations()[workv1alpha2.ContentHashAnnotation], replicas, "", j.binding.Generation
		})
	}
	return wait
}

// put sees to it that the member holds the manifest.
func (j *job) put(ctx context.Context) (wait time.Duration, err error) {
	want, wait := j.manifest()
	if want == nil {
		return wait, nil
	}
	hash := want.GetAnnotations()[workv1alpha2.ContentHashAnnotation]
	e := j.read()
	if e.Hash == hash {
		j.record(func(e *entry) { e.Generation = j.binding.Generation })
	}
	if j.have != nil && j.have.Hash == hash && j.have.Fingerprint != e.accepted && !j.have.Deleting && j.live == nil {
		if ok, err := j.look(ctx); err != nil {
			j.fail("SyncFailed", err)
			return 0, err
		} else if !ok {
			return settleTime, nil // it has gone; the watch will say so
		}
	}
	switch {
	case j.have == nil && e.Hash == hash && e.accepted != 0 && j.cfg.Clock.Since(e.sent) < settleTime:
		return settleTime, nil // sent, and not reported yet
	case j.have != nil && j.have.Deleting:
		j.fail("SyncFailed", errors.New("the object is being deleted in the cluster; it is made anew when it is gone"))
		return 0, nil
	case j.have != nil && j.have.Hash == hash && j.have.Fingerprint == e.accepted:
		j.meter.Noop()
		wait := j.truce()
		j.accept(want, e.accepted)
		return wait, nil
	case j.have != nil && j.have.Hash == hash && j.live != nil && (render.Holds(want, j.live) || j.answered(want)):
		j.meter.Noop()
		wait := j.truce()
		j.accept(want, render.Fingerprint(j.live))
		return wait, nil
	}
	if wait := j.refused(want); wait > 0 {
		return wait, nil
	}
	ctx, end := j.begin(ctx, hash)
	defer func() { end(err) }()
	if j.have == nil || j.have.PermanentID == "" && j.have.WorkID != "" {
		if err := j.checkForeign(ctx); err != nil {
			if errors.Is(err, errForeign) {
				j.fail("SyncFailed", err)
				return foreignCheck, nil
			}
			j.fail("SyncFailed", err)
			return 0, err
		}
	}
	if j.have != nil && j.have.Hash == hash {
		if wait := j.drifted(ctx); wait > 0 {
			return wait, nil
		}
	}
	return j.apply(ctx, want)
}

// accept records that the live object with that fingerprint is what want says. A copy that is fought over counts as failed
// all the same: it is as it should be for a moment only.
func (j *job) accept(want *unstructured.Unstructured, fingerprint uint64) {
	replicas := replicasIn(want)
	j.record(func(e *entry) {
		e.Hash, e.Replicas, e.Failed, e.Gone = want.GetAnnotations()[workv1alpha2.ContentHashAnnotation], replicas, e.drift.fight, ""
		e.accepted, e.Generation = fingerprint, j.binding.Generation
		if e.live == j.live {
			j.hold(e, nil)
		}
	})
}

func replicasIn(manifest *unstructured.Unstructured) *int32 {
	path := interpret.Of(manifest.GroupVersionKind()).ReplicaPath()
	if len(path) == 0 {
		return nil
	}
	n, ok, err := unstructured.NestedInt64(manifest.Object, path...)
	if err != nil || !ok {
		return nil
	}
	i := int32(n)
	return &i
}

// apply sends the manifest. What others own in the object stays.
func (j *job) apply(ctx context.Context, want *unstructured.Unstructured) (time.Duration, error) {
	handedOver, err := j.retainReplicas(ctx, want)
	if err != nil {
		j.fail("SyncFailed", err)
		return 0, err
	}
	before, sent := j.read().unseen, j.read().sent
	j.record(func(e *entry) { e.unseen = want.GetAnnotations()[workv1alpha2.ContentHashAnnotation] })
	live, err := j.client.Apply(ctx, want.GetName(), want, metav1.ApplyOptions{FieldManager: FieldManager, Force: true})
	if err != nil {
		if declined(err) {
			j.record(func(e *entry) { e.unseen = before })
		}
		if apierrors.IsInvalid(err) {
			klog.FromContext(ctx).V(2).Info("Refused", "kind", want.GetKind(), "reason", err.Error())
			return j.refuse(want, err), nil
		}
		if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			j.fail("SyncFailed", errors.New("the namespace is being deleted in the cluster; the object is sent when it is there again"))
			return namespaceCheck, nil
		}
		j.fail("SyncFailed", err)
		return 0, fmt.Errorf("apply: %w", err)
	}
	live.SetGroupVersionKind(want.GroupVersionKind())
	j.learn(want, live)
	j.accept(want, render.Fingerprint(live))
	j.tellScaler(handedOver)
	now := j.cfg.Clock.Now()
	j.record(func(e *entry) { e.sent = now })
	j.meter.Confirmed(j.origin, sent)
	klog.FromContext(ctx).V(2).Info("Applied", "kind", want.GetKind(), "created", j.have == nil)
	return j.truce(), nil
}
