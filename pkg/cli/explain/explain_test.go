/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
)

var update = flag.Bool("update", false, "rewrite the expected texts in testdata")

// answers are what the function behind the subresource gives in its own tests.
const answers = "../../explain/testdata"

func answer(t *testing.T, name string) *hubv1alpha1.Explanation {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(answers, name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	e := &hubv1alpha1.Explanation{}
	if err := yaml.UnmarshalStrict(data, e); err != nil {
		t.Fatal(err)
	}
	return e
}

// golden compares what is printed with a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func printed(t *testing.T, f func(*bytes.Buffer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := f(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(answers, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no answers in %s: %v", answers, err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name+".txt", printed(t, func(out *bytes.Buffer) error { return printText(out, answer(t, name)) }))
		})
	}
	t.Run("large", func(t *testing.T) {
		t.Parallel()
		golden(t, "large.txt", printed(t, func(out *bytes.Buffer) error { return printText(out, large()) }))
	})
	t.Run("diff", func(t *testing.T) {
		t.Parallel()
		golden(t, "diff.txt", printed(t, func(out *bytes.Buffer) error { return printDiff(out, answer(t, "placed"), "member2") }))
	})
	t.Run("render", func(t *testing.T) {
		t.Parallel()
		golden(t, "render.txt", printed(t, func(out *bytes.Buffer) error { return printManifest(out, answer(t, "placed"), "member2") }))
	})
}

// large is an answer about a kind without replicas in a large fleet.
func large() *hubv1alpha1.Explanation {
	text := func(s string) *string { return &s }
	e := &hubv1alpha1.Explanation{
		Template: hubv1alpha1.ExplainedTemplate{APIVersion: "v1", Kind: "Namespace"}, State: hubv1alpha1.ExplanationIncomplete,
		Message: "24 of 25 clusters have what they should have, not c01", Notes: []string{"dispatching is suspended"}, OmittedPolicies: 3,
		OtherPolicies: []hubv1alpha1.ExplainedPolicy{{Kind: "ClusterPropagationPolicy", Name: "p", Why: "it selects no Namespace"}},
		Placement:     &hubv1alpha1.ExplainedPlacement{Binding: "team-namespace"},
		Overrides: []hubv1alpha1.ExplainedOverride{
			{Kind: "ClusterOverridePolicy", Name: "nobody"}, {Kind: "ClusterOverridePolicy", Name: "idle", Clusters: []string{"c01"}},
			{Kind: "ClusterOverridePolicy", Name: "labels"},
		},
	}
	e.Name = "team"
	for i := range 50 {
		c := hubv1alpha1.ExplainedCluster{Name: fmt.Sprintf("c%02d", i), Why: "untolerated taint a"}
		switch {
		case i < 25:
			c.Target, c.Applied, c.Why, c.Health = true, i != 1, "selected", "Healthy"
			c.Changes = []hubv1alpha1.FieldChange{
				{Policy: "ClusterOverridePolicy labels", Overrider: "overriders.labelsOverrider[0]", Path: "/metadata/labels/a", To: text("b\nc")},
				{Policy: "ClusterOverridePolicy labels", Rule: 1, Overrider: "overriders.plaintext[0]", Path: "/metadata/annotations/d", From: text("e")},
				{Policy: "ClusterOverridePolicy labels", Rule: 1, Overrider: "overriders.plaintext[1]", Path: "/data/f", From: text("(changed)"), To: text("(changed)")},
			}
			e.Overrides[2].Clusters = append(e.Overrides[2].Clusters, c.Name)
		case i == 30:
			c.Message = "to be removed from this cluster"
		case i > 40:
			c.Why = "the cluster is being deleted"
		}
		if i == 1 {
			c.Suspended, c.Message = true, "dispatching to this cluster is suspended"
		}
		if i == 2 {
			c.OverrideError = "ClusterOverridePolicy x, rule 0: no such field"
		}
		e.Clusters = append(e.Clusters, c)
	}
	return e
}

// Of what cannot be rendered, the reason is told.
func TestNothingIsSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ answer, cluster, want string }{
		"no target":        {"placed", "member3", "nothing is sent to member3: not in clusterNames"},
		"an override":      {"failing", "member1", "nothing is sent to member1: ClusterOverridePolicy broken, rule 0"},
		"nothing is known": {"placed", "other", "nothing is sent to other: it is in 2 clusters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := answer(t, tc.answer)
			var out bytes.Buffer
			for _, err := range []error{
				printManifest(&out, e, tc.cluster), printDiff(&out, e, tc.cluster), printLive(&out, e, tc.cluster, nil),
			} {
				if err == nil || !strings.Contains(err.Error(), tc.want) || out.Len() > 0 {
					t.Errorf("printed %q, error %v, want %s", out.String(), err, tc.want)
				}
			}
		})
	}
}

// What a cluster has is compared as far as it is sent something; what it has besides is its own.
func TestLive(t *testing.T) {
	t.Parallel()
	e := &hubv1alpha1.Explanation{Clusters: []hubv1alpha1.ExplainedCluster{{Name: "m", Manifest: &runtime.RawExtension{
		Raw: []byte(`{"metadata":{"name":"x","labels":{"a":"b"}},"spec":{"c":[{"image":"1"}],"l":["1","2"],"m":1}}`),
	}}}}
	for name, tc := range map[string]struct {
		live string
		want []string // lines that differ
	}{
		"the same, and more": {`{"metadata":{"name":"x","uid":"u","labels":{"a":"b","x":"y"}},"spec":{"c":[{"image":"1","pull":"Always"}],"l":["1","2"],"m":1,"o":2},"status":{}}`, nil},
		"a field":            {`{"metadata":{"name":"x","labels":{"a":"c"}},"spec":{"c":[{"image":"1"}],"l":["1","2"],"m":1}}`, []string{"-    a: b", "+    a: c"}},
		"inside a list":      {`{"metadata":{"name":"x","labels":{"a":"b"}},"spec":{"c":[{"image":"2"}],"l":["1","2"],"m":1}}`, []string{`-  - image: "1"`, `+  - image: "2"`}},
		"a longer list":      {`{"metadata":{"name":"x","labels":{"a":"b"}},"spec":{"c":[{"image":"1"}],"l":["1","2","3"],"m":1}}`, []string{`+  - "3"`}},
		"a field is missing": {`{"metadata":{"name":"x","labels":{"a":"b"}},"spec":{"c":[{"image":"1"}],"l":["1","2"]}}`, []string{"-  m: 1"}},
		"another type":       {`{"metadata":{"name":"x","labels":"a"},"spec":{"c":[{"image":"1"}],"l":["1","2"],"m":1}}`, []string{"-  labels:", "-    a: b", "+  labels: a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := printed(t, func(out *bytes.Buffer) error {
				return printLive(out, e, "m", &runtime.RawExtension{Raw: []byte(tc.live)})
			})
			var got []string
			for _, l := range strings.Split(text, "\n") {
				if (strings.HasPrefix(l, "-") || strings.HasPrefix(l, "+")) && !strings.HasPrefix(l, "---") && !strings.HasPrefix(l, "+++") {
					got = append(got, l)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s\n%s", diff, text)
			}
		})
	}
}

func TestFlagsExclude(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o    options
		want string
	}{
		"nothing": {options{}, ""}, "yaml": {options{output: "yaml"}, ""}, "json": {options{output: "json"}, ""},
		"render": {options{render: "m"}, ""}, "diff": {options{diff: "m"}, ""}, "live": {options{diff: "m", live: true}, ""},
		"wide":             {options{output: "wide"}, `invalid --output "wide"`},
		"two":              {options{output: "yaml", diff: "m"}, "exclude one another"},
		"render and diff":  {options{render: "m", diff: "m"}, "exclude one another"},
		"live on its own":  {options{live: true}, "--live goes with --diff"},
		"live with render": {options{render: "m", live: true}, "--live goes with --diff"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.o.validate()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}
