/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/streaming"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/watch"
	restwatch "k8s.io/client-go/rest/watch"
)

// awkward are strings that a scanner may stumble over.
var awkward = []string{
	"", "a", "managedFields", "metadata", `"`, `\`, `\"`, `x\\`, "{", "}", "[", "]", ",", ":", "\n", "\u2028", "é😀", `{"metadata":{"managedFields":[`,
}

func randomJSON(r *rand.Rand, depth int) any {
	kind := r.IntN(8)
	if depth == 0 {
		kind = r.IntN(6)
	}
	switch kind {
	case 0:
		return int64(r.IntN(2000) - 1000)
	case 1:
		return r.Float64() * 1e6
	case 2:
		return r.IntN(2) == 0
	case 3:
		return nil
	case 4, 5:
		return awkward[r.IntN(len(awkward))]
	case 6:
		out := make([]any, r.IntN(4))
		for i := range out {
			out[i] = randomJSON(r, depth-1)
		}
		return out
	default:
		return randomObject(r, depth-1)
	}
}

func randomObject(r *rand.Rand, depth int) map[string]any {
	out := map[string]any{}
	for range r.IntN(5) {
		out[awkward[r.IntN(len(awkward))]] = randomJSON(r, max(depth, 0))
	}
	return out
}

// write writes an object in random order and with random space.
func write(r *rand.Rand, v any) string {
	space := func() string { return []string{"", "", " ", "\n\t "}[r.IntN(4)] }
	var parts []string
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			k, _ := json.Marshal(key) // a string can always be written
			parts = append(parts, space()+string(k)+space()+":"+space()+write(r, value)+space())
		}
		return "{" + space() + strings.Join(parts, ",") + "}"
	case []any:
		for _, value := range v {
			parts = append(parts, space()+write(r, value)+space())
		}
		return "[" + space() + strings.Join(parts, ",") + "]"
	}
	data, _ := json.Marshal(v) // nor does a scalar fail
	return string(data)
}

// What is left decodes to the same object without metadata.managedFields, and nothing else is touched.
func TestCutManagedFields(t *testing.T) {
	t.Parallel()
	cut := 0
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 0))
		o := randomObject(r, 4)
		if r.IntN(4) > 0 {
			metadata := randomObject(r, 2)
			if r.IntN(4) > 0 {
				metadata["managedFields"] = randomJSON(r, 3)
			}
			o["metadata"] = metadata
		}
		text := write(r, o)
		var got, want map[string]any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if metadata, ok := want["metadata"].(map[string]any); ok {
			if _, ok := metadata["managedFields"]; ok {
				cut++
			}
			delete(metadata, "managedFields")
		}
		left := cutManagedFields([]byte(text))
		if err := json.Unmarshal(left, &got); err != nil {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, text, left)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s\n(-want +got):\n%s", seed, text, diff)
		}
	}
	if cut < 1000 {
		t.Errorf("only %d objects had any", cut)
	}
}

// What does not end, or is not closed as it was opened, is left to the decoder.
func TestCutLeavesMalformed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "null", "[]", `"metadata"`, "{", `{"metadata"`, `{"metadata":`, `{"metadata":{`, `{"metadata":{"managedFields"`,
		`{"metadata":{"managedFields":`, `{"metadata":{"managedFields":[`, `{"metadata":{"managedFields":[}}}`, `{"metadata":{"managedFields":[]`,
		`{"metadata":{"managedFields":[] 1}}`, `{"metadata":{"managedFields":[],}}`, `{"metadata":{"a":[}],"managedFields":[]}}`,
		`{"metadata":{"a" 1,"managedFields":[]}}`, `{"metadata":{"managedFields":"x`, `{"a":[}],"metadata":{"managedFields":[]}}`,
		`{"metadata":{"managedFields":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}}`,
	} {
		if got := string(cutManagedFields([]byte(text))); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}

func FuzzDecodeEvent(f *testing.F) {
	for _, s := range []string{
		`{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","managedFields":[{"a":"\\\"]"}]},"data":{}}}`,
		`{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410}}`, `{"object":{"kind":"A"},"type":"DELETED"}`,
		`{"type":"BOOKMARK","object":{"kind":"A","metadata":{"managedFields":[],"x":1}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		var plain map[string]any
		plainErr := utiljson.Unmarshal(bytes.Clone(frame), &plain)
		e, err := decodeEvent(bytes.Clone(frame))
		u, ok := e.Object.(*unstructured.Unstructured)
		if err != nil || !ok {
			return
		}
		if plainErr != nil { // what is cut is not looked at
			if bytes.Contains(frame, []byte(`"managedFields"`)) {
				return
			}
			t.Fatalf("%q was taken: %v", frame, plainErr)
		}
		want, ok := plain["object"].(map[string]any)
		if !ok || plain["type"] != string(e.Type) {
			t.Fatalf("%q became %v", frame, e)
		}
		for _, o := range []map[string]any{u.Object, want} { // a key that is written with escapes, or twice, may be left
			if metadata, ok := o["metadata"].(map[string]any); ok {
				delete(metadata, "managedFields")
			}
		}
		if diff := cmp.Diff(want, u.Object); diff != "" {
			t.Errorf("%q (-want +got):\n%s", frame, diff)
		}
	})
}

func TestDecodeEvent(t *testing.T) {
	t.Parallel()
	a := &unstructured.Unstructured{Object: map[string]any{
		"kind": "A", "apiVersion": "x/v1", "metadata": map[string]any{"name": "a"}, "n": int64(1), "f": 1.5,
	}}
	const text = `{"kind":"A","apiVersion":"x/v1","metadata":{"managedFields":[{}],"name":"a"},"n":1,"f":1.5}`
	for name, tc := range map[string]struct {
		frame string
		want  watch.Event
		fails bool
	}{
		"as written":                {frame: `{"type":"MODIFIED","object":` + text + `}`, want: watch.Event{Type: watch.Modified, Object: a}},
		"the other order":           {frame: `{"object":` + text + `,"type":"ADDED"}`, want: watch.Event{Type: watch.Added, Object: a}},
		"with space":                {frame: `{ "type": "DELETED", "object": ` + text + " }", want: watch.Event{Type: watch.Deleted, Object: a}},
		"with more":                 {frame: `{"type":"ADDED","object":` + text + `,"more":{}}`, want: watch.Event{Type: watch.Added, Object: a}},
		"error":                     {frame: `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired"}}`, want: watch.Event{Type: watch.Error, Object: &metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Code: 410, Reason: "Expired"}}},
		"unknown type":              {frame: `{"type":"CHANGED","object":` + text + `}`, fails: true},
		"no kind":                   {frame: `{"type":"ADDED","object":{}}`, fails: true},
		"no object":                 {frame: `{"type":"ADDED"}`, fails: true},
		"no JSON":                   {frame: `{"type":"ADDED","object":{"kind":"A",}}`, fails: true},
		"malformed in what is kept": {frame: `{"type":"ADDED","object":{"kind":"A","metadata":{"managedFields":[],"x":[1 2]}}}`, fails: true},
	} {
		got, err := decodeEvent([]byte(tc.frame))
		if (err != nil) != tc.fails {
			t.Errorf("%s: error %v", name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		var want []string
		var text strings.Builder
		for range r.IntN(6) {
			o := randomObject(r, 3)
			if r.IntN(3) == 0 {
				o["long"] = strings.Repeat(`x"\`, r.IntN(60000))
			}
			want = append(want, write(r, o))
			text.WriteString(want[len(want)-1] + []string{"\n", "", " \r\n "}[r.IntN(3)])
		}
		wrap := []func(io.Reader) io.Reader{
			func(r io.Reader) io.Reader { return r }, iotest.DataErrReader, iotest.HalfReader,
		}[r.IntN(3)]
		f, got := &frames{r: wrap(strings.NewReader(text.String()))}, []string(nil)
		for {
			frame, err := f.next()
			if err != nil {
				if err != io.EOF {
					t.Fatalf("seed %d: %v", seed, err)
				}
				break
			}
			got = append(got, string(frame))
			for i := range frame { // it may be changed
				frame[i] = '"'
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

func TestFramesErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		r    io.Reader
		want error
	}{
		"end":              {strings.NewReader(" \n"), io.EOF},
		"end in an object": {iotest.OneByteReader(strings.NewReader(`{"a":"}`)), io.ErrUnexpectedEOF},
		"no object":        {strings.NewReader("null"), errFrame},
		"broken":           {iotest.ErrReader(broken), broken},
		"too large":        {io.MultiReader(strings.NewReader(`{"`), zeros{}), errFrame},
	} {
		if _, err := (&frames{r: tc.r}).next(); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// event is an event of a Deployment as a member has it, of about 4 KB.
func event() []byte {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{
			"name": "web", "namespace": "shop", "uid": "6e1c8e1e-0000-4000-8000-3f8b1c9d2e4f", "resourceVersion": "123456", "generation": int64(3),
			"creationTimestamp": "2026-01-01T00:00:00Z",
			"labels":            map[string]any{"app": "web", "karmada.io/managed": "true", "resourcebinding.karmada.io/permanent-id": "6e1c8e1e-1111-4000-8000-3f8b1c9d2e4f"},
			"annotations": map[string]any{
				"manifold-k8s.io/content-hash": "0123456789abcdef0123456789abcdef", "deployment.kubernetes.io/revision": "3",
				"resourcetemplate.karmada.io/uid": "6e1c8e1e-2222-4000-8000-3f8b1c9d2e4f", "note": "a \"quoted\" text",
			},
		},
		"spec": map[string]any{
			"replicas": int64(3), "revisionHistoryLimit": int64(10), "progressDeadlineSeconds": int64(600),
			"selector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
			"strategy": map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{"maxSurge": "25%", "maxUnavailable": "25%"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"app": "web"}},
				"spec": map[string]any{
					"containers": []any{map[string]any{
						"name": "web", "image": "registry.example.com/shop/web:1.2.3", "imagePullPolicy": "IfNotPresent",
						"env":                      []any{map[string]any{"name": "A", "value": "1"}, map[string]any{"name": "B", "value": "2"}},
						"ports":                    []any{map[string]any{"containerPort": int64(8080), "protocol": "TCP"}},
						"resources":                map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "128Mi"}, "limits": map[string]any{"memory": "256Mi"}},
						"terminationMessagePath":   "/dev/termination-log",
						"terminationMessagePolicy": "File",
					}},
					"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": map[string]any{}, "terminationGracePeriodSeconds": int64(30),
				},
			},
		},
		"status": map[string]any{
			"observedGeneration": int64(3), "replicas": int64(3), "readyReplicas": int64(3), "updatedReplicas": int64(3), "availableReplicas": int64(3),
			"conditions": []any{
				map[string]any{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "Deployment has minimum availability.", "lastTransitionTime": "2026-01-01T00:00:00Z", "lastUpdateTime": "2026-01-01T00:00:00Z"},
				map[string]any{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "ReplicaSet \"web-1\" has successfully progressed.", "lastTransitionTime": "2026-01-01T00:00:00Z", "lastUpdateTime": "2026-01-01T00:00:00Z"},
			},
		},
	}}
	var owned func(v any) any
	owned = func(v any) any {
		out := map[string]any{}
		if m, ok := v.(map[string]any); ok {
			for k, v := range m {
				out["f:"+k] = owned(v)
			}
		}
		return out
	}
	entry := func(who, operation string, parts ...string) any {
		fields := map[string]any{}
		for _, p := range parts {
			fields[p] = u.Object[p]
		}
		return map[string]any{
			"manager": who, "operation": operation, "apiVersion": "apps/v1", "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": owned(fields),
		}
	}
	u.Object["metadata"].(map[string]any)["managedFields"] = []any{
		entry("manifold", "Apply", "metadata", "spec"), entry("kube-controller-manager", "Update", "status"),
	}
	data, err := u.MarshalJSON()
	if err != nil {
		panic(err) // plain data
	}
	return fmt.Appendf(nil, `{"type":"MODIFIED","object":%s}`+"\n", bytes.TrimSpace(data))
}

// events is a stream of the same event, n times, as a member sends it.
func events(n int) io.ReadCloser {
	one, readers := event(), make([]io.Reader, n)
	for i := range readers {
		readers[i] = bytes.NewReader(one)
	}
	return io.NopCloser(io.MultiReader(readers...))
}

// BenchmarkDecode compares the way of an event from the wire with that of the dynamic client.
func BenchmarkDecode(b *testing.B) {
	size := float64(len(event()))
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(size, "B/event")
		in := frames{r: events(1000)}
		for b.Loop() {
			frame, err := in.next()
			if err != nil {
				in = frames{r: events(1000)}
				continue
			}
			if _, err := decodeEvent(frame); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("dynamic", func(b *testing.B) {
		b.ReportAllocs()
		scheme := runtime.NewScheme()
		metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
		open := func(n int) *restwatch.Decoder {
			outer := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme, scheme, serializer.SerializerOptions{})
			return restwatch.NewDecoder(streaming.NewDecoder(serializer.Framer.NewFrameReader(events(n)), outer), unstructured.UnstructuredJSONScheme)
		}
		in := open(1000)
		for b.Loop() {
			if _, _, err := in.Decode(); err == io.EOF {
				in = open(1000)
			} else if err != nil {
				b.Fatal(err)
			}
		}
	})
}
