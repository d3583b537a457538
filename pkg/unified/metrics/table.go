/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package metrics

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
)

// ConvertToTable makes a table like metrics-server's, with the cluster: a column for each resource that is measured.
func (r *resource) ConvertToTable(_ context.Context, obj runtime.Object, options runtime.Object) (*metav1.Table, error) {
	items := []runtime.Object{obj}
	if meta.IsListType(obj) {
		var err error
		if items, err = meta.ExtractList(obj); err != nil {
			return nil, fmt.Errorf("read list: %w", err)
		}
	}
	measured := map[string]struct{}{}
	usages := make([]corev1.ResourceList, len(items))
	for i, item := range items {
		usages[i] = usageOf(item)
		for name := range usages[i] {
			measured[string(name)] = struct{}{}
		}
	}
	columns := slices.Sorted(maps.Keys(measured))
	table := &metav1.Table{}
	if o, ok := options.(*metav1.TableOptions); !ok || !o.NoHeaders {
		table.ColumnDefinitions = columnDefinitions(columns)
	}
	for i, item := range items {
		m, err := meta.Accessor(item)
		if err != nil {
			return nil, err
		}
		cells := []any{m.GetName(), present.ClusterOf(m)}
		for _, c := range columns {
			q := usages[i][corev1.ResourceName(c)]
			cells = append(cells, q.String())
		}
		table.Rows = append(table.Rows, metav1.TableRow{Cells: append(cells, windowOf(item)), Object: runtime.RawExtension{Object: item}})
	}
	return table, nil
}

func columnDefinitions(resources []string) []metav1.TableColumnDefinition {
	columns := []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "The object's name on the hub."},
		{Name: "Cluster", Type: "string", Description: "The cluster that has the object."},
	}
	for _, name := range resources {
		columns = append(columns, metav1.TableColumnDefinition{Name: name, Type: "string", Format: "quantity"})
	}
	return append(columns, metav1.TableColumnDefinition{
		Name: "Window", Type: "string", Format: "duration", Description: "The time over which usage was measured, up to the timestamp.",
	})
}

// usageOf returns what an object uses; of a pod, the sum of its containers.
func usageOf(obj runtime.Object) corev1.ResourceList {
	switch o := obj.(type) {
	case *v1beta1.NodeMetrics:
		return o.Usage
	case *v1beta1.PodMetrics:
		sum := corev1.ResourceList{}
		for _, c := range o.Containers {
			for name, q := range c.Usage {
				total := sum[name]
				total.Add(q)
				sum[name] = total
			}
		}
		return sum
	}
	return nil
}

func windowOf(obj runtime.Object) string {
	switch o := obj.(type) {
	case *v1beta1.NodeMetrics:
		return o.Window.Duration.String()
	case *v1beta1.PodMetrics:
		return o.Window.Duration.String()
	}
	return ""
}
