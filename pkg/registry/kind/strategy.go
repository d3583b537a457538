/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/klog/v2"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// strategy governs writes of users to the main resource: the status stays what it was.
type strategy[T Object] struct {
	runtime.ObjectTyper
	names.NameGenerator
	kind Kind[T]
}

var (
	_ rest.RESTCreateStrategy              = strategy[Object]{}
	_ rest.RESTUpdateStrategy              = strategy[Object]{}
	_ rest.RESTDeleteStrategy              = strategy[Object]{}
	_ rest.ResetFieldsStrategy             = strategy[Object]{}
	_ rest.GarbageCollectionDeleteStrategy = strategy[Object]{}
)

func newStrategy[T Object](k Kind[T], scheme *runtime.Scheme) strategy[T] {
	return strategy[T]{ObjectTyper: scheme, NameGenerator: names.SimpleNameGenerator, kind: k}
}

func (s strategy[T]) NamespaceScoped() bool          { return s.kind.Namespaced }
func (s strategy[T]) AllowCreateOnUpdate() bool      { return false }
func (s strategy[T]) AllowUnconditionalUpdate() bool { return s.kind.UnconditionalUpdate }
func (s strategy[T]) Canonicalize(runtime.Object)    {}

// DefaultGarbageCollectionPolicy lets the garbage collector delete dependents in the background, if it knows the kind.
func (s strategy[T]) DefaultGarbageCollectionPolicy(context.Context) rest.GarbageCollectionPolicy {
	if s.kind.Uncollected {
		return rest.Unsupported
	}
	return rest.DeleteDependents
}

func (s strategy[T]) PrepareForCreate(_ context.Context, o runtime.Object) {
	obj := o.(T)
	if s.kind.CopyStatus != nil {
		s.kind.CopyStatus(obj, s.kind.New())
	}
	s.prepareCreate(obj)
}

func (s strategy[T]) PrepareForUpdate(ctx context.Context, o, oldObject runtime.Object) {
	obj, old := o.(T), oldObject.(T)
	if s.kind.CopyStatus != nil {
		s.kind.CopyStatus(obj, old)
	}
	s.prepareUpdate(obj, old)
	s.keepTimes(ctx, obj, old)
}

// keepTimes lets a server-side apply that changes nothing be no write. The API server does so for what it has defaulted
// before; of what is defaulted here, it would take every repeated apply for a change and note its time.
func (s strategy[T]) keepTimes(ctx context.Context, obj, old T) {
	// Which of the two says its kind depends on whether it comes from the watch cache.
	kind := obj.GetObjectKind()
	said := kind.GroupVersionKind()
	defer kind.SetGroupVersionKind(said)
	kind.SetGroupVersionKind(old.GetObjectKind().GroupVersionKind())
	if _, err := fieldmanager.IgnoreManagedFieldsTimestampsTransformer(ctx, obj, old); err != nil {
		klog.FromContext(ctx).Error(err, "Comparing times of managed fields", "resource", s.kind.Resource, "object", klog.KObj(obj))
	}
}

func (s strategy[T]) prepareCreate(obj T) {
	if s.kind.Default != nil {
		var none T
		s.kind.Default(obj, none)
	}
	obj.SetGeneration(1)
}

func (s strategy[T]) prepareUpdate(obj, old T) {
	if s.kind.Default != nil {
		s.kind.Default(obj, old)
	}
	obj.SetGeneration(old.GetGeneration())
	if !apiequality.Semantic.DeepEqual(s.kind.Spec(obj), s.kind.Spec(old)) {
		obj.SetGeneration(old.GetGeneration() + 1)
	}
}

func (s strategy[T]) Validate(_ context.Context, o runtime.Object) field.ErrorList {
	return s.kind.Validate(o.(T))
}

func (s strategy[T]) ValidateUpdate(_ context.Context, o, oldObject runtime.Object) field.ErrorList {
	obj, old := o.(T), oldObject.(T)
	if releasesOnly(s.kind, obj, old) {
		return nil
	}
	errs := s.kind.Validate(obj)
	if s.kind.ValidateUpdate != nil {
		errs = append(errs, s.kind.ValidateUpdate(obj, old)...)
	}
	return errs
}

// releasesOnly reports whether the update leaves the spec of an object that is being deleted as it is. Such an update
// takes finalizers off, and must not be refused because rules became stricter since the object was stored.
func releasesOnly[T Object](k Kind[T], obj, old T) bool {
	return old.GetDeletionTimestamp() != nil && apiequality.Semantic.DeepEqual(k.Spec(obj), k.Spec(old))
}

func (s strategy[T]) WarningsOnCreate(_ context.Context, o runtime.Object) []string {
	return s.warnings(o.(T))
}

func (s strategy[T]) WarningsOnUpdate(_ context.Context, o, _ runtime.Object) []string {
	return s.warnings(o.(T))
}

func (s strategy[T]) warnings(obj T) []string {
	if s.kind.Warnings == nil || obj.GetDeletionTimestamp() != nil {
		return nil
	}
	return s.kind.Warnings(obj)
}

// GetResetFields names what a user's write to the main resource never sets, so that nobody comes to own it.
func (s strategy[T]) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	if s.kind.CopyStatus == nil {
		return nil
	}
	return s.resetFields("status")
}

func (s strategy[T]) resetFields(roots ...string) map[fieldpath.APIVersion]*fieldpath.Set {
	set := fieldpath.NewSet()
	for _, root := range roots {
		set.Insert(fieldpath.MakePathOrDie(root))
	}
	version := schema.GroupVersion{Group: s.kind.Resource.Group, Version: s.kind.Version}
	return map[fieldpath.APIVersion]*fieldpath.Set{fieldpath.APIVersion(version.String()): set}
}

// statusStrategy governs writes to the status subresource: only the status changes.
type statusStrategy[T Object] struct {
	strategy[T]
}

func (s statusStrategy[T]) PrepareForUpdate(_ context.Context, o, oldObject runtime.Object) {
	obj, old := o.(T), oldObject.(T)
	s.kind.CopySpec(obj, old)

	// Of the metadata only what the machinery itself maintains is taken: the lock and the field ownership.
	obj.SetName(old.GetName())
	obj.SetGenerateName(old.GetGenerateName())
	obj.SetLabels(old.GetLabels())
	obj.SetAnnotations(old.GetAnnotations())
	obj.SetFinalizers(old.GetFinalizers())
	obj.SetOwnerReferences(old.GetOwnerReferences())
	obj.SetGeneration(old.GetGeneration())
	obj.SetDeletionTimestamp(old.GetDeletionTimestamp())
}

func (s statusStrategy[T]) ValidateUpdate(_ context.Context, o, _ runtime.Object) field.ErrorList {
	if s.kind.ValidateStatus == nil {
		return nil
	}
	return s.kind.ValidateStatus(o.(T))
}

func (s statusStrategy[T]) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

func (s statusStrategy[T]) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return s.resetFields("metadata", "spec")
}

// wholeStrategy governs writes of this process's controllers, which carry spec and status.
type wholeStrategy[T Object] struct {
	strategy[T]
}

func (s wholeStrategy[T]) PrepareForCreate(_ context.Context, o runtime.Object) {
	s.prepareCreate(o.(T))
}

func (s wholeStrategy[T]) PrepareForUpdate(_ context.Context, o, old runtime.Object) {
	s.prepareUpdate(o.(T), old.(T))
}

func (s wholeStrategy[T]) Validate(ctx context.Context, o runtime.Object) field.ErrorList {
	return append(s.strategy.Validate(ctx, o), s.validateStatus(o)...)
}

func (s wholeStrategy[T]) ValidateUpdate(ctx context.Context, o, old runtime.Object) field.ErrorList {
	return append(s.strategy.ValidateUpdate(ctx, o, old), s.validateStatus(o)...)
}

func (s wholeStrategy[T]) validateStatus(o runtime.Object) field.ErrorList {
	if s.kind.ValidateStatus == nil {
		return nil
	}
	return s.kind.ValidateStatus(o.(T))
}

func (s wholeStrategy[T]) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }

func (s wholeStrategy[T]) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}
