/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/yaml"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/registry/policy"
)

// request is a write of a policy, and the answer to it. It is made for each of the kinds, abbreviated as for kubectl. What
// it does not say is as in minimal.
type request struct {
	kinds string // separated by blanks
	spec  string // fields of the spec
	meta  string // fields of the metadata
	// was is the spec of the stored policy, in the same way, when the request is an update; wasMeta its metadata.
	update       bool
	was, wasMeta string

	refused []string // "path: words of the message", in order; none when it is accepted
	gives   string   // fields of what is stored then; lists are compared as a whole
}

const propagationKinds, overrideKinds, allKinds = "pp cpp", "op cop", "pp cpp op cop"

// minimal are policies that are accepted. The namespaced ones are in the namespace shop.
var minimal = map[string]struct{ kind, spec string }{
	"pp":  {"PropagationPolicy", `{resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: web}]}`},
	"cpp": {"ClusterPropagationPolicy", `{resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: web}]}`},
	"op":  {"OverridePolicy", `{overrideRules: [{overriders: {plaintext: [{path: /spec/paused, operator: replace, value: true}]}}]}`},
	"cop": {"ClusterOverridePolicy", `{overrideRules: [{overriders: {plaintext: [{path: /spec/paused, operator: replace, value: true}]}}]}`},
}

// run makes the requests of a table, each as a test of its own.
func run(t *testing.T, table map[string]request) {
	t.Helper()
	d := open(t)
	for name, r := range table {
		for kind := range strings.FieldsSeq(r.kinds) {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				d.check(t, kind, r)
			})
		}
	}
}

func (d *door) check(t *testing.T, kind string, r request) {
	t.Helper()
	obj := d.manifest(t, kind, r.meta, r.spec)
	var err error
	if r.update {
		old := d.manifest(t, kind, r.wasMeta, r.was)
		if _, err := d.create(t.Context(), kind, old); err != nil {
			t.Fatalf("the old policy is refused: %v", err)
		}
		old = old.DeepCopyObject().(metaObject)
		old.SetResourceVersion("1")
		obj.SetResourceVersion("1")
		_, err = d.update(t.Context(), kind, obj, old)
	} else {
		_, err = d.create(t.Context(), kind, obj)
	}
	if diff := cmp.Diff(r.refused, shorten(causes(t, err), r.refused)); diff != "" {
		t.Fatalf("errors (-want +got):\n%s", diff)
	}
	if r.gives == "" || err != nil {
		return
	}
	got := tree(t, obj)
	if diff := cmp.Diff(parse(t, r.gives), only(got, parse(t, r.gives))); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// causes prints the errors of a refusal as "path: message".
func causes(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) {
		return []string{err.Error()}
	}
	var out []string
	for _, cause := range status.Status().Details.Causes {
		out = append(out, cause.Field+": "+cause.Message)
	}
	return out
}

// shorten replaces errors by what is wanted at their place if they say that: the path is the same, and the message contains
// the words.
func shorten(got, want []string) []string {
	for i := range got {
		if i == len(want) {
			break
		}
		path, words, _ := strings.Cut(want[i], ": ")
		if p, message, _ := strings.Cut(got[i], ": "); p == path && words != "" && strings.Contains(message, words) {
			got[i] = want[i]
		}
	}
	return got
}

// only takes from got what want mentions.
func only(got, want any) any {
	wanted, ok := want.(map[string]any)
	has, both := got.(map[string]any)
	if !ok || !both {
		return got
	}
	out := map[string]any{}
	for key, value := range wanted {
		if v, found := has[key]; found {
			out[key] = only(v, value)
		} else if value == nil {
			out[key] = nil // wanted to be absent
		}
	}
	return out
}

type metaObject interface {
	runtime.Object
	metav1.Object
}

// door is the storage of policies as the API server calls it, without what would store them.
type door struct {
	codecs  serializer.CodecFactory
	storage policy.Storage
}

func open(t testing.TB) *door {
	t.Helper()
	scheme := runtime.NewScheme()
	internal := schema.GroupVersion{Group: policyv1alpha1.GroupName, Version: runtime.APIVersionInternal}
	policyv1alpha1.AddKnownTypes(scheme, policyv1alpha1.SchemeGroupVersion)
	policyv1alpha1.AddKnownTypes(scheme, internal)
	metav1.AddToGroupVersion(scheme, policyv1alpha1.SchemeGroupVersion)
	s, err := policy.NewStorage(scheme, noBackend{})
	if err != nil {
		t.Fatal(err)
	}
	return &door{codecs: serializer.NewCodecFactory(scheme, serializer.EnableStrict), storage: s}
}

// noBackend stores nothing.
type noBackend struct{}

func (noBackend) GetRESTOptions(resource schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	return generic.RESTOptions{
		StorageConfig:  (&storagebackend.Config{}).ForResource(resource),
		ResourcePrefix: resource.String(),
		Decorator: func(*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error), func() runtime.Object, func() runtime.Object,
			storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
			return nil, func() {}, nil
		},
	}, nil
}

func (d *door) store(kind string) *genericregistry.Store {
	return map[string]*genericregistry.Store{
		"pp": d.storage.PropagationPolicies.Store, "cpp": d.storage.ClusterPropagationPolicies.Store,
		"op": d.storage.OverridePolicies.Store, "cop": d.storage.ClusterOverridePolicies.Store,
	}[kind]
}

// create does with obj what the API server does before it is stored, and returns the warnings.
func (d *door) create(ctx context.Context, kind string, obj metaObject) (warnings, error) {
	var said warnings
	obj.SetUID("0")
	obj.SetCreationTimestamp(metav1.Now())
	err := rest.BeforeCreate(d.store(kind).CreateStrategy, listen(ctx, obj, &said), obj)
	return said, err
}

func (d *door) update(ctx context.Context, kind string, obj, old metaObject) (warnings, error) {
	var said warnings
	err := rest.BeforeUpdate(d.store(kind).UpdateStrategy, listen(ctx, obj, &said), obj, old)
	return said, err
}

func listen(ctx context.Context, obj metav1.Object, said *warnings) context.Context {
	return warning.WithWarningRecorder(genericapirequest.WithNamespace(ctx, obj.GetNamespace()), said)
}

type warnings []string

// AddWarning implements warning.Recorder.
func (w *warnings) AddWarning(_, text string) { *w = append(*w, text) }

// manifest decodes a policy as strictly as the API server can.
func (d *door) manifest(t *testing.T, kind, metadata, spec string) metaObject {
	t.Helper()
	base := minimal[kind]
	object := map[string]any{
		"apiVersion": policyv1alpha1.SchemeGroupVersion.String(), "kind": base.kind,
		"metadata": with(map[string]any{"name": "web"}, parse(t, metadata)),
		"spec":     with(parse(t, base.spec), parse(t, spec)),
	}
	if !strings.HasPrefix(kind, "c") {
		object["metadata"].(map[string]any)["namespace"] = "shop"
	}
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	decoded, _, err := d.codecs.UniversalDeserializer().Decode(raw, nil, nil)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return decoded.(metaObject)
}

// with lays fields over others; null takes one away.
func with(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	for key, value := range over {
		if out[key] = value; value == nil {
			delete(out, key)
		}
	}
	return out
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

func tree(t *testing.T, obj runtime.Object) map[string]any {
	t.Helper()
	raw, err := json.Marshal(obj)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(raw))
}

// Unknown fields and fields that are given twice do not pass the decoder that kubectl asks for by default.
func TestAdmissionIsStrictAboutFields(t *testing.T) {
	t.Parallel()
	d := open(t)
	const manifest = `{"apiVersion":"policy.karmada.io/v1alpha1","kind":"OverridePolicy","metadata":{"name":"x"},"spec":{%s}}`
	for said, want := range map[string]string{
		`"overrideRule":[]`:                         `unknown field "spec.overrideRule"`,
		`"overrideRules":[{"overriders":{"a":1}}]`:  `unknown field "spec.overrideRules[0].overriders.a"`,
		`"overrideRules":[],"overrideRules":[]`:     `duplicate field "spec.overrideRules"`,
		`"resourceSelectors":[{"matchLabels":{}}]`:  `unknown field "spec.resourceSelectors[0].matchLabels"`,
		`"targetCluster":{"excludeClusters":["a"]}`: `unknown field "spec.targetCluster.excludeClusters"`,
	} {
		_, _, err := d.codecs.UniversalDeserializer().Decode(fmt.Appendf(nil, manifest, said), nil, nil)
		if !runtime.IsStrictDecodingError(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", said, err, want)
		}
	}
}

// What has been admitted is admitted again, and neither step changes it.
func TestAdmissionIsIdempotent(t *testing.T) {
	t.Parallel()
	d := open(t)
	for kind := range minimal {
		obj := d.manifest(t, kind, "", "")
		if _, err := d.create(t.Context(), kind, obj); err != nil {
			t.Fatal(err)
		}
		again := obj.DeepCopyObject().(metaObject)
		for _, o := range []metav1.Object{obj, again} {
			o.SetResourceVersion("1")
		}
		before := obj.DeepCopyObject()
		if _, err := d.update(t.Context(), kind, again, obj); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if diff := cmp.Diff(before, runtime.Object(again)); diff != "" {
			t.Errorf("%s: changed by an update that says the same (-before +after):\n%s", kind, diff)
		}
		if diff := cmp.Diff(before, runtime.Object(obj)); diff != "" {
			t.Errorf("%s: the stored object is changed (-before +after):\n%s", kind, diff)
		}
		if m, err := meta.Accessor(again); err != nil || m.GetGeneration() != 1 {
			t.Errorf("%s: generation %d, %v", kind, m.GetGeneration(), err)
		}
	}
}
