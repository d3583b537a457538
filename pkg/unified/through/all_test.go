/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package through

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
)

var (
	clusters = schema.GroupResource{Group: "cluster.karmada.io", Resource: "clusters"}
	pods     = schema.GroupResource{Resource: "pods"}
)

// Which cluster a request about an object goes to, and when to none.
func TestOnlyHolder(t *testing.T) {
	t.Parallel()
	has := func(c string) answer { return answer{cluster: c} }
	lacks := func(c string) answer { return answer{cluster: c, err: apierrors.NewNotFound(pods, "p")} }
	silent := func(c string) answer { return answer{cluster: c, err: apierrors.NewServiceUnavailable("no answer")} }
	refuses := func(c string) answer {
		return answer{cluster: c, err: apierrors.NewForbidden(pods, "p", errors.New("no"))}
	}
	for name, tc := range map[string]struct {
		given  []answer
		writes bool
		want   string
		silent int
		err    func(error) bool
		says   string
	}{
		"one has it":                          {given: []answer{lacks("a"), has("b")}, want: "b"},
		"one has it, to change":               {given: []answer{lacks("a"), has("b")}, writes: true, want: "b"},
		"none has it":                         {given: []answer{lacks("a"), lacks("b")}, err: apierrors.IsNotFound},
		"there is no cluster":                 {err: apierrors.IsNotFound},
		"several have it":                     {given: []answer{has("a"), lacks("b"), has("c")}, err: apierrors.IsConflict, says: "a, c"},
		"several, one is silent":              {given: []answer{has("a"), has("b"), silent("c")}, err: apierrors.IsConflict, says: "a, b"},
		"one has it, one is silent":           {given: []answer{silent("a"), has("b")}, want: "b", silent: 1},
		"the same, to change":                 {given: []answer{silent("a"), has("b")}, writes: true, err: apierrors.IsServiceUnavailable, says: "cluster a"},
		"none has it, one is silent":          {given: []answer{silent("a"), lacks("b")}, err: apierrors.IsServiceUnavailable, says: "cluster a"},
		"one has it, one lets nobody look":    {given: []answer{refuses("a"), has("b")}, writes: true, want: "b"},
		"none has it, one lets nobody look":   {given: []answer{refuses("a"), lacks("b")}, err: apierrors.IsForbidden},
		"none may be looked at":               {given: []answer{refuses("a"), refuses("b")}, err: apierrors.IsForbidden},
		"one is silent, one lets nobody look": {given: []answer{refuses("a"), silent("b")}, err: apierrors.IsServiceUnavailable},
	} {
		got, quiet, err := onlyHolder(tc.given, pods, "p", !tc.writes)
		if tc.err != nil {
			if !tc.err(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || got != tc.want || len(quiet) != tc.silent {
			t.Errorf("%s: %q, %d silent: %v; want %q, %d", name, got, len(quiet), err, tc.want, tc.silent)
		}
	}
}

func TestObjectPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/api/v1/nodes/n":                                "/api/v1/nodes/n",
		"/api/v1/namespaces/a":                           "/api/v1/namespaces/a",
		"/api/v1/namespaces/a/status":                    "/api/v1/namespaces/a",
		"/api/v1/namespaces/a/pods/p":                    "/api/v1/namespaces/a/pods/p",
		"/api/v1/namespaces/a/pods/p/exec":               "/api/v1/namespaces/a/pods/p",
		"/api/v1/namespaces/a/pods/p/proxy/x/y":          "/api/v1/namespaces/a/pods/p",
		"/apis/apps/v1/namespaces/a/deployments/d/scale": "/apis/apps/v1/namespaces/a/deployments/d",
		"/apis/g.io/v1/things/t":                         "/apis/g.io/v1/things/t",
	} {
		info, err := paths.NewRequestInfo(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
		if err != nil || len(info.Parts) < 2 {
			t.Fatalf("%s: %v: %v", path, info, err)
		}
		if got := objectPath(info); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// Lists of several clusters are one, in the order in which they are given.
func TestMerge(t *testing.T) {
	t.Parallel()
	const (
		from = `"metadata":{"annotations":{"resource.karmada.io/cached-from-cluster":`
		end  = `{"name":"Cluster","type":"string","format":"","description":"The cluster that the object comes from.","priority":0}`
	)
	for name, tc := range map[string]struct {
		given []string
		want  string
	}{
		"lists": {
			[]string{
				`{"kind":"L","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"c"},"items":[{"metadata":{"name":"a","annotations":{"k":"v"}},"n":9007199254740993}]}`,
				`{"kind":"L","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[{},{"metadata":{"name":"b"}}]}`,
			},
			`{"kind":"L","apiVersion":"v1","metadata":{},"items":[
				{"metadata":{"name":"a","annotations":{"k":"v","resource.karmada.io/cached-from-cluster":"a"}},"n":9007199254740993},
				{` + from + `"b"}}},{"metadata":{"name":"b","annotations":{"resource.karmada.io/cached-from-cluster":"b"}}}]}`,
		},
		"empty ones": {
			[]string{`{"kind":"L","apiVersion":"v1","metadata":{},"items":null}`, `{"kind":"L","items":[]}`},
			`{"kind":"L","apiVersion":"v1","metadata":{},"items":[]}`,
		},
		"tables, of which one has other columns": {
			[]string{
				`{"kind":"Table","metadata":{"resourceVersion":"7"},"columnDefinitions":[{"name":"Name"},{"name":"Age"}],"rows":[{"cells":["x","1d"],"object":{}}]}`,
				`{"kind":"Table","metadata":{},"columnDefinitions":[{"name":"Age"},{"name":"More"},{"name":"Name"}],"rows":[{"cells":["2d",3,"y"],"object":null}]}`,
				`{"kind":"Table","metadata":{},"columnDefinitions":[{"name":"Name"}],"rows":[{"cells":["z"]}]}`,
			},
			`{"kind":"Table","metadata":{},"columnDefinitions":[{"name":"Name"},{"name":"Age"},` + end + `],"rows":[
				{"cells":["x","1d","a"],"object":{` + from + `"a"}}}},{"cells":["y","2d","b"],"object":null},{"cells":["z",null,"c"]}]}`,
		},
	} {
		var sum merged
		for i, body := range tc.given {
			if err := sum.add(string(rune('a'+i)), []byte(body)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		got, err := json.Marshal(sum.result())
		if err != nil {
			t.Fatal(err)
		}
		var want, have any
		for text, into := range map[string]*any{tc.want: &want, string(got): &have} {
			if err := json.Unmarshal([]byte(text), into); err != nil {
				t.Fatalf("%s: %s: %v", name, text, err)
			}
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What is no list, or not of the kind that others gave, is an error of that cluster and spoils nothing.
func TestMergeErrors(t *testing.T) {
	t.Parallel()
	var sum merged
	if err := sum.add("a", []byte(`{"kind":"L","items":[{}]}`)); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`<html>`, `[]`, `{"kind":"Table","rows":[]}`, `{"kind":"L","items":["x"]}`} {
		if err := sum.add("b", []byte(body)); err == nil {
			t.Errorf("%s: taken", body)
		}
	}
	if got := len(sum.result()["items"].([]any)); got != 1 {
		t.Errorf("%d items", got)
	}
}

func TestWholeList(t *testing.T) {
	t.Parallel()
	query := url.Values{"limit": {"500"}, "continue": {"x"}, "resourceVersion": {"7"}, "resourceVersionMatch": {"Exact"}, "labelSelector": {"a=b,c"}, "fieldSelector": {"d=e"}}
	if got, want := wholeList(query), "fieldSelector=d%3De&labelSelector=a%3Db%2Cc"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestWantsTable(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"application/json;as=Table;v=v1;g=meta.k8s.io,application/json": true,
		"application/json":                             false,
		"application/json,application/json;as=Table":   false,
		"application/vnd.kubernetes.protobuf;as=Table": false,
		"": false,
	} {
		if got := wantsTable(accept); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}
