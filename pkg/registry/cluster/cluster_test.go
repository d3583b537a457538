/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	testingclock "k8s.io/utils/clock/testing"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)

func found(errs field.ErrorList) []string {
	var out []string
	for _, err := range errs {
		out = append(out, strings.TrimPrefix(string(err.Type), "FieldValue")+" "+err.Field)
	}
	return out
}

func newCluster(name string) *clusterv1alpha1.Cluster {
	return &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: clusterv1alpha1.ClusterSpec{SyncMode: clusterv1alpha1.Push}}
}

// model has one cpu range.
func model(grade uint, from, to string) clusterv1alpha1.ResourceModel {
	return clusterv1alpha1.ResourceModel{Grade: grade, Ranges: []clusterv1alpha1.ResourceModelRange{
		{Name: corev1.ResourceCPU, Min: resource.MustParse(from), Max: resource.MustParse(to)}}}
}

func TestValidation(t *testing.T) {
	t.Parallel()
	type spec = clusterv1alpha1.ClusterSpec
	secret := func(namespace, name string) *clusterv1alpha1.LocalSecretReference {
		return &clusterv1alpha1.LocalSecretReference{Namespace: namespace, Name: name}
	}
	endpoint := func(e string) func(*spec) { return func(s *spec) { s.APIEndpoint = e } }
	proxy := func(p string) func(*spec) { return func(s *spec) { s.ProxyURL = p } }
	taints := func(taints ...corev1.Taint) func(*spec) { return func(s *spec) { s.Taints = taints } }
	models := func(models ...clusterv1alpha1.ResourceModel) func(*spec) {
		return func(s *spec) { s.ResourceModels = models }
	}
	twoRanges := func(m clusterv1alpha1.ResourceModel) clusterv1alpha1.ResourceModel {
		m.Ranges = append(m.Ranges, clusterv1alpha1.ResourceModelRange{Name: "memory", Min: resource.MustParse("0"), Max: resource.MustParse("1")})
		return m
	}
	cases := map[string]struct {
		name string
		set  func(*spec)
		want []string
	}{
		"minimal":      {},
		"pull":         {set: func(s *spec) { s.SyncMode = clusterv1alpha1.Pull }},
		"longest name": {name: strings.Repeat("a", 48)},
		"everything": {set: func(s *spec) {
			s.ID, s.APIEndpoint, s.ProxyURL = "x", "https://10.0.0.1:6443/path", "socks5://user:pass@proxy:1080"
			s.SecretRef, s.ImpersonatorSecretRef = secret("ns", "a"), secret("ns", "b")
			s.Provider, s.Region, s.Zones = "p", "r", []string{"a", "b"}
		}},

		"no name":           {name: "-", want: []string{"Invalid metadata.name"}},
		"name too long":     {name: strings.Repeat("a", 49), want: []string{"TooLong metadata.name"}},
		"name with a dot":   {name: "a.b", want: []string{"Invalid metadata.name"}},
		"name in capitals":  {name: "Member", want: []string{"Invalid metadata.name"}},
		"no sync mode":      {set: func(s *spec) { s.SyncMode = "" }, want: []string{"Required spec.syncMode"}},
		"unknown sync mode": {set: func(s *spec) { s.SyncMode = "Shove" }, want: []string{"NotSupported spec.syncMode"}},
		"id too long":       {set: func(s *spec) { s.ID = strings.Repeat("x", 128001) }, want: []string{"TooLong spec.id"}},

		"endpoint is host and port":    {set: endpoint("10.0.0.1:6443"), want: []string{"Invalid spec.apiEndpoint"}},
		"endpoint without host":        {set: endpoint("https:///x"), want: []string{"Invalid spec.apiEndpoint"}},
		"endpoint with a port alone":   {set: endpoint("https://:6443"), want: []string{"Invalid spec.apiEndpoint"}},
		"endpoint scheme":              {set: endpoint("ftp://x"), want: []string{"Invalid spec.apiEndpoint"}},
		"endpoint user":                {set: endpoint("https://u@x"), want: []string{"Invalid spec.apiEndpoint"}},
		"endpoint query":               {set: endpoint("https://x?y"), want: []string{"Invalid spec.apiEndpoint"}},
		"endpoint fragment":            {set: endpoint("https://x#y"), want: []string{"Invalid spec.apiEndpoint"}},
		"proxy scheme":                 {set: proxy("ftp://x"), want: []string{"Invalid spec.proxyURL"}},
		"proxy without host":           {set: proxy("http:x"), want: []string{"Invalid spec.proxyURL"}},
		"secret without namespace":     {set: func(s *spec) { s.SecretRef = secret("", "a") }, want: []string{"Required spec.secretRef.namespace"}},
		"secret without name":          {set: func(s *spec) { s.SecretRef = secret("ns", "") }, want: []string{"Required spec.secretRef.name"}},
		"impersonator secret is empty": {set: func(s *spec) { s.ImpersonatorSecretRef = secret("", "") }, want: []string{"Required spec.impersonatorSecretRef.namespace", "Required spec.impersonatorSecretRef.name"}},
		"provider":                     {set: func(s *spec) { s.Provider = "a b" }, want: []string{"Invalid spec.provider"}},
		"region":                       {set: func(s *spec) { s.Region = "-" }, want: []string{"Invalid spec.region"}},
		"zones":                        {set: func(s *spec) { s.Zones = []string{"ok", "a/b"} }, want: []string{"Invalid spec.zones[1]"}},
		"zone with other zones":        {set: func(s *spec) { s.Zone, s.Zones = "a", []string{"b"} }, want: []string{"Forbidden spec.zone"}},
		"malformed zone is moved":      {set: func(s *spec) { s.Zone = "a b" }, want: []string{"Invalid spec.zones[0]"}},

		"taint": {set: taints(corev1.Taint{Key: "a", Value: "b", Effect: "NoSchedule"}, corev1.Taint{Key: "a", Effect: "NoExecute"})},
		"taint is empty": {set: taints(corev1.Taint{}),
			want: []string{"Required spec.taints[0].key", "Required spec.taints[0].effect"}},
		"taint key, value and effect": {set: taints(corev1.Taint{Key: "a b", Value: "a b", Effect: "PreferNoSchedule"}),
			want: []string{"Invalid spec.taints[0].key", "Invalid spec.taints[0].value", "NotSupported spec.taints[0].effect"}},
		"taint twice": {set: taints(corev1.Taint{Key: "a", Value: "x", Effect: "NoSchedule"}, corev1.Taint{Key: "a", Value: "y", Effect: "NoSchedule"}),
			want: []string{"Duplicate spec.taints[1]"}},

		"models in any order":  {set: models(model(1, "5", "9"), model(0, "1", "5"))},
		"one model":            {set: models(model(0, "1", "2"))},
		"model without ranges": {set: models(clusterv1alpha1.ResourceModel{}), want: []string{"Required spec.resourceModels[0].ranges"}},
		"grade twice":          {set: models(model(0, "0", "1"), model(0, "1", "2")), want: []string{"Duplicate spec.resourceModels[1].grade"}},
		"max not above min":    {set: models(model(0, "0", "2"), model(1, "2", "2"), model(2, "2", "3")), want: []string{"Invalid spec.resourceModels[1].ranges[0].max"}},
		"gap":                  {set: models(model(0, "0", "1"), model(1, "2", "3")), want: []string{"Invalid spec.resourceModels[1].ranges[0].min"}},
		"overlap":              {set: models(model(0, "0", "3"), model(1, "2", "4")), want: []string{"Invalid spec.resourceModels[1].ranges[0].min"}},
		"number of resources":  {set: models(model(0, "0", "1"), twoRanges(model(1, "1", "2"))), want: []string{"Invalid spec.resourceModels[1].ranges"}},
		"order of resources": {set: func(s *spec) {
			swapped := twoRanges(model(1, "1", "2"))
			swapped.Ranges[0], swapped.Ranges[1] = swapped.Ranges[1], swapped.Ranges[0]
			s.ResourceModels = []clusterv1alpha1.ResourceModel{twoRanges(model(0, "0", "1")), swapped}
		}, want: []string{"Invalid spec.resourceModels[1].ranges[0].name", "Invalid spec.resourceModels[1].ranges[1].name"}},
		"resource without name": {set: func(s *spec) {
			s.ResourceModels = []clusterv1alpha1.ResourceModel{model(0, "0", "1")}
			s.ResourceModels[0].Ranges[0].Name = ""
		}, want: []string{"Required spec.resourceModels[0].ranges[0].name"}},
		"resource with a bad name": {set: func(s *spec) {
			s.ResourceModels = []clusterv1alpha1.ResourceModel{model(0, "0", "1")}
			s.ResourceModels[0].Ranges[0].Name = "a b"
		}, want: []string{"Invalid spec.resourceModels[0].ranges[0].name"}},
	}
	k := cluster(testingclock.NewFakePassiveClock(now))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := newCluster("member1")
			if c.name != "" {
				object.Name = c.name
			}
			if c.set != nil {
				c.set(&object.Spec)
			}
			k.Default(object, nil)
			if diff := cmp.Diff(c.want, found(k.Validate(object))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorsHideThePassword(t *testing.T) {
	t.Parallel()
	for _, proxy := range []string{"ftp://user:secret@proxy", "http://user:secret@proxy:port", "http://user:secret@"} {
		object := newCluster("m")
		object.Spec.ProxyURL = proxy
		errs := validate(object)
		if len(errs) == 0 {
			t.Errorf("%s: accepted", proxy)
		}
		if text := errs.ToAggregate().Error(); strings.Contains(text, "secret@") {
			t.Errorf("%s: error shows the password: %s", proxy, text)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	earlier := metav1.NewTime(now.Add(-time.Hour))
	stamp := metav1.NewTime(now.Truncate(time.Second))
	none := func(*clusterv1alpha1.Cluster) {}
	cases := map[string]struct {
		set       func(*clusterv1alpha1.Cluster)
		old, want func(*clusterv1alpha1.Cluster) // old is nil on creation
	}{
		"zone moves": {
			set:  func(c *clusterv1alpha1.Cluster) { c.Spec.Zone = "a" },
			old:  none,
			want: func(c *clusterv1alpha1.Cluster) { c.Spec.Zones = []string{"a"} },
		},
		"zone applied again": {
			set:  func(c *clusterv1alpha1.Cluster) { c.Spec.Zone, c.Spec.Zones = "a", []string{"a"} },
			old:  func(c *clusterv1alpha1.Cluster) { c.Spec.Zones = []string{"a"} },
			want: func(c *clusterv1alpha1.Cluster) { c.Spec.Zones = []string{"a"} },
		},
		"new NoExecute taint is stamped, to the second": {
			set: func(c *clusterv1alpha1.Cluster) { c.Spec.Taints = []corev1.Taint{{Key: "a", Effect: "NoExecute"}} },
			old: none,
			want: func(c *clusterv1alpha1.Cluster) {
				c.Spec.Taints = []corev1.Taint{{Key: "a", Effect: "NoExecute", TimeAdded: &stamp}}
			},
		},
		"given time stays": {
			set: func(c *clusterv1alpha1.Cluster) {
				c.Spec.Taints = []corev1.Taint{{Key: "a", Effect: "NoExecute", TimeAdded: &earlier}}
			},
			old: none,
			want: func(c *clusterv1alpha1.Cluster) {
				c.Spec.Taints = []corev1.Taint{{Key: "a", Effect: "NoExecute", TimeAdded: &earlier}}
			},
		},
		"taint applied again keeps its time": {
			set: func(c *clusterv1alpha1.Cluster) {
				c.Spec.Taints = []corev1.Taint{{Key: "a", Value: "new", Effect: "NoExecute"}}
			},
			old: func(c *clusterv1alpha1.Cluster) {
				c.Spec.Taints = []corev1.Taint{{Key: "a", Effect: "NoExecute", TimeAdded: &earlier}}
			},
			want: func(c *clusterv1alpha1.Cluster) {
				c.Spec.Taints = []corev1.Taint{{Key: "a", Value: "new", Effect: "NoExecute", TimeAdded: &earlier}}
			},
		},
		"NoSchedule taint is not stamped": {
			set:  func(c *clusterv1alpha1.Cluster) { c.Spec.Taints = []corev1.Taint{{Key: "a", Effect: "NoSchedule"}} },
			old:  none,
			want: func(c *clusterv1alpha1.Cluster) { c.Spec.Taints = []corev1.Taint{{Key: "a", Effect: "NoSchedule"}} },
		},
		"models are sorted and open at both ends": {
			set: func(c *clusterv1alpha1.Cluster) {
				c.Spec.ResourceModels = []clusterv1alpha1.ResourceModel{model(2, "5", "9"), model(1, "1", "5")}
			},
			want: func(c *clusterv1alpha1.Cluster) {
				c.Spec.ResourceModels = []clusterv1alpha1.ResourceModel{model(1, "0", "5"), model(2, "5", "9223372036854775807")}
			},
		},
		"an update may empty the models": {
			set:  none,
			old:  func(c *clusterv1alpha1.Cluster) { c.Spec.ResourceModels = defaultModels() },
			want: none,
		},
		"creation without models gets the default": {
			set:  none,
			want: func(c *clusterv1alpha1.Cluster) { c.Spec.ResourceModels = defaultModels() },
		},
	}
	k := cluster(testingclock.NewFakePassiveClock(now))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, want := newCluster("m"), newCluster("m")
			c.set(got)
			c.want(want)
			var old *clusterv1alpha1.Cluster
			if c.old != nil {
				old = newCluster("m")
				c.old(old)
			}
			k.Default(got, old)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("defaulted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefaultModels(t *testing.T) {
	t.Parallel()
	models := defaultModels()
	if errs := validateModels(models, field.NewPath("models")); len(errs) > 0 {
		t.Errorf("invalid: %v", errs)
	}
	var got []string
	for _, m := range models {
		var bounds []string
		for _, r := range m.Ranges {
			bounds = append(bounds, string(r.Name)+" "+r.Min.String()+"-"+r.Max.String())
		}
		got = append(got, strings.Join(bounds, ", "))
	}
	want := []string{
		"cpu 0-1, memory 0-4Gi", "cpu 1-2, memory 4Gi-16Gi", "cpu 2-4, memory 16Gi-32Gi", "cpu 4-8, memory 32Gi-64Gi",
		"cpu 8-16, memory 64Gi-128Gi", "cpu 16-32, memory 128Gi-256Gi", "cpu 32-64, memory 256Gi-512Gi",
		"cpu 64-128, memory 512Gi-1Ti", "cpu 128-9223372036854775807, memory 1Ti-9223372036854775807",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("default models (-want +got):\n%s", diff)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	full := newCluster("m")
	full.Spec.Zones, full.Spec.Region, full.Spec.Provider = []string{"a", "b"}, "r", "p"
	full.Spec.APIEndpoint, full.Spec.ProxyURL = "https://m", "http://p"
	full.Status.KubernetesVersion = "v1.36.3"
	full.Status.Conditions = []metav1.Condition{{Type: "Other", Status: "False"}, {Type: "Ready", Status: "True"}}
	cases := map[string]struct {
		in   *clusterv1alpha1.Cluster
		want []any
	}{
		"full":  {full, []any{"v1.36.3", "Push", "True", "<unknown>", "a,b", "r", "p", "https://m", "http://p"}},
		"empty": {newCluster("m"), []any{"", "Push", "Unknown", "<unknown>", "<none>", "<none>", "<none>", "<none>", "<none>"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []any
			for _, column := range columns() {
				got = append(got, column.Cell(c.in))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}
