/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
	"github.com/manifold-k8s/manifold/pkg/unified/union"
)

// Who decodes a list that was put together from encoded objects gets what an encoded list of the objects would have given.
func TestEncodeList(t *testing.T) {
	t.Parallel()
	remaining := int64(7)
	gone := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "99", Continue: "more", RemainingItemCount: &remaining}}
	var in union.EncodedList
	in.ResourceVersion, in.Continue, in.RemainingItemCount = "99", "more", &remaining
	for i, annotations := range []map[string]string{nil, {"a": "b"}, {}} {
		pod := corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("p", i), Namespace: "ns", UID: "u", ResourceVersion: "5", Labels: map[string]string{"l": "v"}, Annotations: annotations},
			Spec:       corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "c", Image: "i"}}},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning},
		}
		data, err := pod.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		item := union.Encoded{Data: data, ResourceVersion: fmt.Sprint(90 + i)}
		pod.ResourceVersion = item.ResourceVersion
		if i < 2 {
			item.Stale = gone
			present.MarkStale(&pod, gone.Format(time.RFC3339))
		} else {
			pod.Annotations = nil // an empty one is none
		}
		in.Items = append(in.Items, item)
		want.Items = append(want.Items, pod)
	}
	raw, err := encodeList(in)
	if err != nil {
		t.Fatal(err)
	}
	var got corev1.PodList
	if err := got.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAcceptsProtobuf(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"application/vnd.kubernetes.protobuf":                                                                 true,
		"application/vnd.kubernetes.protobuf,application/json":                                                true,
		"application/json,application/vnd.kubernetes.protobuf":                                                false,
		"application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1":                 false,
		"application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1,application/vnd.kubernetes.protobuf": false,
		"": false, "*/*": false,
	} {
		if got := acceptsProtobuf(accept); got != want {
			t.Errorf("%q: %v, want %v", accept, got, want)
		}
	}
}
