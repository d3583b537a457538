/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestContradiction(t *testing.T) {
	t.Parallel()
	type expression = metav1.LabelSelectorRequirement
	in := func(values ...string) expression {
		return expression{Key: "a", Operator: metav1.LabelSelectorOpIn, Values: values}
	}
	notIn := func(values ...string) expression {
		return expression{Key: "a", Operator: metav1.LabelSelectorOpNotIn, Values: values}
	}
	exists, absent := expression{Key: "a", Operator: metav1.LabelSelectorOpExists}, expression{Key: "a", Operator: metav1.LabelSelectorOpDoesNotExist}
	a := map[string]string{"a": "x"}
	cases := map[string]struct {
		labels map[string]string
		say    []expression
		want   string
	}{
		"empty":                          {},
		"equal":                          {labels: a},
		"in and not in others":           {say: []expression{in("x", "y"), notIn("x")}},
		"not in anything":                {say: []expression{notIn("x"), notIn("y"), absent}},
		"there with any value but":       {say: []expression{exists, notIn("x")}},
		"other keys":                     {labels: map[string]string{"b": "x"}, say: []expression{absent}},
		"invalid":                        {say: []expression{{Key: "a", Operator: "Near"}, exists, absent}},
		"there and not":                  {say: []expression{exists, absent}, want: "label a is to be there and not to be there"},
		"equal and not there":            {labels: a, say: []expression{absent}, want: "label a is to be there and not to be there"},
		"in and not there":               {say: []expression{absent, in("x")}, want: "label a is to be there and not to be there"},
		"two values":                     {labels: a, say: []expression{in("y", "z")}, want: "label a is to have several values at once"},
		"two lists without common value": {say: []expression{in("x"), in("y", "z")}, want: "label a is to have several values at once"},
		"none left":                      {say: []expression{in("y", "x"), notIn("x"), notIn("y", "z")}, want: "label a is to have, and not to have, one of the values x, y"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Contradiction(&metav1.LabelSelector{MatchLabels: c.labels, MatchExpressions: c.say}); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	if got := Contradiction(nil); got != "" {
		t.Errorf("no selector: %q", got)
	}
	several := &metav1.LabelSelector{MatchExpressions: []expression{exists, absent, {Key: "A", Operator: exists.Operator}, {Key: "A", Operator: absent.Operator}}}
	if got := Contradiction(several); !strings.HasPrefix(got, "label A ") {
		t.Errorf("of several keys, the first is named: %q", got)
	}
}
