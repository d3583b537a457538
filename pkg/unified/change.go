/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
)

// change is a request to change one object or a subresource of it.
type change struct {
	namespace, name string
	cluster, own    string // where it is, and what it is called there
	subresource     string
	apply           bool // server-side, and not an update or another patch
	info            rest.UpdatedObjectInfo
	validate        rest.ValidateObjectUpdateFunc
	options         *metav1.UpdateOptions
}

// Update changes a stored object, or sends what the client changes of a member's object to the member.
func (o *objects) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc,
	update rest.ValidateObjectUpdateFunc, force bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	cluster, own, err := o.toChange(ctx, name, force)
	if err != nil {
		return nil, false, err
	}
	if cluster == "" {
		return o.stored.Update(ctx, name, info, create, update, force, options)
	}
	obj, err := o.change(ctx, change{
		namespace: genericapirequest.NamespaceValue(ctx), name: name, cluster: cluster, own: own, info: info, validate: update, options: options,
		apply: force && options != nil, // of all requests, only an apply may create what is not there
	})
	return obj, false, err
}

// toChange finds out what a change of name is about: an object of cluster that is called own there, or one that is stored,
// or may be created, for which cluster is empty.
//
// Where users can store objects, a plain name means a stored one: who applies a Pod means the template that he is about to
// make, and not a pod that happens to have that name somewhere.
func (o *objects) toChange(ctx context.Context, name string, create bool) (cluster, own string, err error) {
	_, err = o.getStored(ctx, name, nil)
	if !apierrors.IsNotFound(err) {
		return "", name, err
	}
	if housekeeping(ctx) {
		if o.stored == nil {
			return "", name, err
		}
		return "", name, nil
	}
	if own, cluster, ok := o.elsewhere(name); ok {
		return cluster, own, nil
	}
	if o.stored != nil && create {
		return "", name, nil
	}
	why := writing
	if o.stored != nil {
		why = reading // for the message
	}
	cluster, err = o.holder(ctx, genericapirequest.NamespaceValue(ctx), name, why)
	if err == nil && o.stored != nil {
		err = notFound(o.groupResource(), name, fmt.Sprintf("the hub does not store it; to change that of cluster %s, name it %s", cluster, nameIn(name, cluster)))
	}
	return cluster, name, err
}

// attempts is how often a change is made anew when the object has changed meanwhile in the member.
const attempts = 5

// change makes a change of what a member has. When the object changes meanwhile, the change is made to what it is then, which
// fails if the client has asked for another state.
func (r *resource) change(ctx context.Context, c change) (obj runtime.Object, err error) {
	for range attempts {
		obj, err = r.attempt(ctx, c)
		var refused conflict
		if !errors.As(err, &refused) {
			return obj, err
		}
		err = refused.error
	}
	return nil, err
}

// conflict is a member's answer that the object is not any more what the change was made to.
type conflict struct{ error }

// attempt has the client's change made to the object as it is shown, and sends the difference to the member, so that fields
// that are not known here stay as they are.
func (r *resource) attempt(ctx context.Context, c change) (runtime.Object, error) {
	live, err := r.live(ctx, c.namespace, c.name, c.cluster, c.own, c.subresource)
	if err != nil {
		return nil, err
	}
	shown := live.DeepCopyObject()
	if err := r.present(c.cluster, shown); err != nil {
		return nil, err
	}
	before, err := r.toInternal(shown.DeepCopyObject())
	if err != nil {
		return nil, err
	}
	after, err := c.info.UpdatedObject(ctx, before.DeepCopyObject())
	if err != nil {
		return nil, err
	}
	conditional, err := r.check(c, before, after)
	if err != nil {
		return nil, err
	}
	if c.validate != nil {
		if err := c.validate(ctx, after.DeepCopyObject(), before.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	patch, err := r.patch(c, live, shown, before, after, conditional)
	if err != nil {
		return nil, err
	}
	if patch == nil {
		return before, nil
	}
	result, err := r.send(ctx, c.call(patch), http.MethodPatch, c.name)
	if conditional && apierrors.IsConflict(err) {
		return nil, conflict{err}
	}
	if err != nil {
		return nil, err
	}
	if (c.options == nil || len(c.options.DryRun) == 0) && c.subresource != "scale" {
		r.wrote(c.cluster, c.namespace, c.own, result)
	}
	if err := r.present(c.cluster, result); err != nil {
		return nil, err
	}
	return r.toInternal(result)
}

// call is the request to the member.
func (c change) call(patch []byte) call {
	options := &metav1.PatchOptions{}
	if c.options != nil {
		options.DryRun, options.FieldManager, options.FieldValidation = c.options.DryRun, c.options.FieldManager, c.options.FieldValidation
	}
	to := call{
		cluster: c.cluster, namespace: c.namespace, name: c.own, subresource: c.subresource,
		patch: types.StrategicMergePatchType, options: options, body: patch,
	}
	if c.apply {
		to.patch, options.Force = types.ApplyPatchType, ptr.To(true)
	}
	return to
}

// patch is what is sent to the member; nil if there is nothing to be changed.
func (r *resource) patch(c change, live, shown, before, after runtime.Object, conditional bool) ([]byte, error) {
	if c.apply {
		return r.applied(c, live, shown, before, after)
	}
	return r.difference(c, live, shown, before, after, conditional)
}

// wrote lets lists wait for what was just written.
func (r *resource) wrote(cluster, namespace, own string, result runtime.Object) {
	version := ""
	if m, err := meta.Accessor(result); err == nil {
		version = m.GetResourceVersion()
	}
	r.union.Wrote(cluster, namespace, nameIn(own, cluster), version)
}

// check refuses a change of something else than was asked for, or of another state than the client has seen. It reports
// whether the change is to be made to no other state than this.
func (r *resource) check(c change, before, after runtime.Object) (conditional bool, err error) {
	was, err := meta.Accessor(before)
	if err != nil {
		return false, err
	}
	is, err := meta.Accessor(after)
	if err != nil {
		return false, err
	}
	if is.GetName() != was.GetName() || is.GetNamespace() != was.GetNamespace() {
		return false, apierrors.NewBadRequest(fmt.Sprintf("the name %s and namespace %q of an object cannot be changed", was.GetName(), was.GetNamespace()))
	}
	uid := is.GetUID()
	if p := c.info.Preconditions(); p != nil && p.UID != nil {
		uid = *p.UID
	}
	if uid != "" && uid != was.GetUID() {
		return false, apierrors.NewConflict(r.groupResource(), c.name, fmt.Errorf("its UID is %q, not %q", was.GetUID(), uid))
	}
	version, err := r.ownVersion(c.namespace, c.name, was.GetName(), is.GetResourceVersion())
	if err != nil {
		return false, err
	}
	if version != "" && version != was.GetResourceVersion() {
		return false, r.modified(c.name)
	}
	is.SetResourceVersion(was.GetResourceVersion())
	return version != "", nil
}

// ownVersion returns the resource version that the member gave the state that a client has seen under the one given, which
// may be a union's. shown is the name on the hub in full.
func (r *resource) ownVersion(namespace, name, shown, version string) (string, error) {
	if own(version) != "" || version == "" {
		return version, nil
	}
	v, ok := r.union.Original(namespace, shown, version)
	if !ok {
		return "", r.modified(name)
	}
	return v, nil
}

func (r *resource) modified(name string) error {
	return apierrors.NewConflict(r.groupResource(), name, fmt.Errorf("the object has been modified; please apply your changes to the latest version and try again"))
}

// difference is the patch that makes of the object as it lives in the member what the client made of the object as shown;
// nil if that is nothing.
func (r *resource) difference(c change, live, shown, before, after runtime.Object, conditional bool) ([]byte, error) {
	from, err := r.inMember(c.cluster, before, live, shown)
	if err != nil {
		return nil, err
	}
	to, err := r.inMember(c.cluster, after, live, shown)
	if err != nil {
		return nil, err
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(from, to, live)
	if err != nil {
		return nil, fmt.Errorf("compare %s with its change: %w", c.name, err)
	}
	if string(patch) == "{}" {
		return nil, nil
	}
	if !conditional {
		return patch, nil
	}
	m, err := meta.Accessor(live)
	if err != nil {
		return nil, err
	}
	return withVersion(patch, m.GetResourceVersion())
}

// withVersion makes a patch hold for one state of the object only.
func withVersion(patch []byte, version string) ([]byte, error) {
	var content map[string]any
	if err := json.Unmarshal(patch, &content); err != nil {
		return nil, err
	}
	metadata, ok := content["metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
		content["metadata"] = metadata
	}
	metadata["resourceVersion"] = version
	return json.Marshal(content)
}

// inMember is an object as shown, of the internal version, as it would be in its member, as JSON, without who owns which
// field: the member keeps the books on that.
func (r *resource) inMember(cluster string, obj, live, shown runtime.Object) ([]byte, error) {
	kinds, _, err := r.cfg.Scheme.ObjectKinds(live)
	if err != nil {
		return nil, err
	}
	external, err := r.cfg.Scheme.ConvertToVersion(obj, kinds[0].GroupVersion())
	if err != nil {
		return nil, err
	}
	if err := present.Original(cluster, external, live, shown); err != nil {
		return nil, err
	}
	m, err := meta.Accessor(external)
	if err != nil {
		return nil, err
	}
	m.SetManagedFields(nil)
	return json.Marshal(external)
}

// toInternal converts an object of its own into the form that storage gives out.
func (r *resource) toInternal(obj runtime.Object) (runtime.Object, error) {
	kinds, _, err := r.cfg.Scheme.ObjectKinds(obj)
	if err != nil {
		return nil, err
	}
	internal := kinds[0].GroupVersion()
	internal.Version = runtime.APIVersionInternal
	return r.cfg.Scheme.UnsafeConvertToVersion(obj, internal)
}
