/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
)

// protobufStream is the media type of a watch whose objects are in protobuf.
const protobufStream = runtime.ContentTypeProtobuf + ";stream=watch"

var embedded = protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)

// wantsProtobuf reports whether the objects of a kind have a form in protobuf and a client prefers it. Lists are JSON all the
// same, as clients that watch from the start do not need them.
func wantsProtobuf(r *http.Request, k *kind) bool {
	return strings.HasPrefix(r.Header.Get("Accept"), runtime.ContentTypeProtobuf) && scheme.Scheme.Recognizes(k.GroupVersionKind)
}

// inProtobuf returns the object in that form, which is made once.
func (o *object) inProtobuf(k *kind) ([]byte, error) {
	o.once.Do(func() { o.protobuf, o.err = toProtobuf(k, o.data) })
	return o.protobuf, o.err
}

func toProtobuf(k *kind, data []byte) ([]byte, error) {
	obj, err := scheme.Scheme.New(k.GroupVersionKind)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, obj); err != nil {
		return nil, fmt.Errorf("read %s: %w", k.Kind, err)
	}
	return encode(k, obj)
}

func encode(k *kind, obj runtime.Object) ([]byte, error) {
	obj.GetObjectKind().SetGroupVersionKind(k.GroupVersionKind)
	return runtime.Encode(embedded, obj)
}

// emptyProtobuf returns an object that has nothing but metadata: a bookmark.
func emptyProtobuf(k *kind, meta metav1.ObjectMeta) ([]byte, error) {
	obj, err := scheme.Scheme.New(k.GroupVersionKind)
	if err != nil {
		return nil, err
	}
	accessor, err := apimeta.Accessor(obj)
	if err != nil {
		return nil, err
	}
	accessor.SetResourceVersion(meta.ResourceVersion)
	accessor.SetAnnotations(meta.Annotations)
	return encode(k, obj)
}

// sendProtobuf writes one event. The object is in the form above.
func sendProtobuf(to io.Writer, verb watch.EventType, object []byte) error {
	e := metav1.WatchEvent{Type: string(verb), Object: runtime.RawExtension{Raw: object}}
	data, err := e.Marshal()
	if err != nil {
		return err
	}
	_, err = protobuf.LengthDelimitedFramer.NewFrameWriter(to).Write(data)
	return err
}
