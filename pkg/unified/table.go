/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
)

// onHub stands in the column of clusters for what is stored on the hub.
const onHub = "<none>"

// clusterColumn is the second one: behind the name, and of events, which are printed without, behind when they were seen.
var clusterColumn = metav1.TableColumnDefinition{
	Name: "Cluster", Type: "string", Description: "The member cluster that has the object; " + onHub + " for a template that is stored on the hub.",
}

// ConvertToTable prints objects as Kubernetes does, with a column for the cluster.
func (o *objects) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	table, err := o.cfg.Printer.ConvertToTable(ctx, obj, options)
	if err != nil {
		return nil, err
	}
	const at = 1 // behind the name; rows come without their columns, too
	if len(table.ColumnDefinitions) > 0 {
		table.ColumnDefinitions = slices.Insert(slices.Clone(table.ColumnDefinitions), at, clusterColumn)
	}
	for i := range table.Rows {
		row := &table.Rows[i]
		cluster := onHub
		if m, err := meta.Accessor(row.Object.Object); err == nil {
			if c := present.ClusterOf(m); c != "" {
				cluster = c
			}
		}
		row.Cells = slices.Insert(row.Cells, min(at, len(row.Cells)), any(cluster))
	}
	return table, nil
}
