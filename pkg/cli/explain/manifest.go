/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/pmezard/go-difflib/difflib"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
)

// diffContext is how many lines around a difference are printed, as by diff -u.
const diffContext = 3

// sent returns what is said of a cluster, whose manifest is there, or an error that says why it is not.
func sent(e *hubv1alpha1.Explanation, cluster string) (*hubv1alpha1.ExplainedCluster, error) {
	i := slices.IndexFunc(e.Clusters, func(c hubv1alpha1.ExplainedCluster) bool { return c.Name == cluster })
	if i < 0 {
		return nil, fmt.Errorf("nothing is sent to %s: %s", cluster, e.Message)
	}
	switch c := &e.Clusters[i]; {
	case c.Manifest != nil:
		return c, nil
	case c.OverrideError != "":
		return nil, fmt.Errorf("nothing is sent to %s: %s", cluster, c.OverrideError)
	case c.Why != "":
		return nil, fmt.Errorf("nothing is sent to %s: %s", cluster, c.Why)
	}
	return nil, fmt.Errorf("nothing is sent to %s: %s", cluster, e.Message)
}

func printManifest(out io.Writer, e *hubv1alpha1.Explanation, cluster string) error {
	c, err := sent(e, cluster)
	if err != nil {
		return err
	}
	text, err := asYAML(c.Manifest)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}

// printDiff prints what makes the manifest of a cluster out of the template.
func printDiff(out io.Writer, e *hubv1alpha1.Explanation, cluster string) error {
	c, err := sent(e, cluster)
	if err != nil {
		return err
	}
	if c.Template == nil {
		return errors.New("the hub did not send the template")
	}
	return unified(out, "template", "sent to "+cluster, c.Template, c.Manifest)
}

// printLive prints what makes what a cluster has out of what it is sent. Fields that it is not sent are its own.
func printLive(out io.Writer, e *hubv1alpha1.Explanation, cluster string, has *runtime.RawExtension) error {
	c, err := sent(e, cluster)
	if err != nil {
		return err
	}
	if has == nil {
		return fmt.Errorf("%s does not have it: %s", cluster, e.Message)
	}
	var manifest, live any
	if err := json.Unmarshal(c.Manifest.Raw, &manifest); err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	if err := json.Unmarshal(has.Raw, &live); err != nil {
		return fmt.Errorf("read the object in %s: %w", cluster, err)
	}
	data, err := json.Marshal(common(manifest, live))
	if err != nil {
		return err
	}
	return unified(out, "sent to "+cluster, "in "+cluster, c.Manifest, &runtime.RawExtension{Raw: data})
}

// common is the part of a live value that a manifest speaks of: of objects the fields that it has, and of the items of
// lists that are as long likewise.
func common(manifest, live any) any {
	switch m := manifest.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return live
		}
		out := map[string]any{}
		for key, value := range m {
			if had, has := l[key]; has {
				out[key] = common(value, had)
			}
		}
		return out
	case []any:
		l, ok := live.([]any)
		if !ok || len(l) != len(m) {
			return live
		}
		out := make([]any, len(l))
		for i := range l {
			out[i] = common(m[i], l[i])
		}
		return out
	}
	return live
}

// unified prints the difference of two objects as YAML, and nothing if there is none.
func unified(out io.Writer, fromName, toName string, from, to *runtime.RawExtension) error {
	a, err := asYAML(from)
	if err != nil {
		return err
	}
	b, err := asYAML(to)
	if err != nil {
		return err
	}
	return difflib.WriteUnifiedDiff(out, difflib.UnifiedDiff{
		A: difflib.SplitLines(a), B: difflib.SplitLines(b), FromFile: fromName, ToFile: toName, Context: diffContext,
	})
}

func asYAML(object *runtime.RawExtension) (string, error) {
	data, err := yaml.JSONToYAML(object.Raw)
	return string(data), err
}
