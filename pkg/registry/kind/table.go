/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Column is one printed column.
type Column[T Object] struct {
	Name        string
	Type        string // OpenAPI type: string, integer, boolean; string if empty
	Description string // shown to machines that ask for the table
	Wide        bool   // only with kubectl get -o wide
	Cell        func(T) any
}

// Age prints the time since creation.
func Age[T Object]() Column[T] {
	return Column[T]{
		Name:        "Age",
		Description: "Time since the object was created.",
		Cell:        func(obj T) any { return metatable.ConvertToHumanReadableDateType(obj.GetCreationTimestamp()) },
	}
}

// NewTable returns what prints NAME and the columns.
func NewTable[T Object](columns []Column[T]) rest.TableConvertor {
	return tableConvertor[T]{columns: columns}
}

// tableConvertor prints NAME and the columns.
type tableConvertor[T Object] struct {
	columns []Column[T]
}

func (c tableConvertor[T]) ConvertToTable(_ context.Context, object, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	add := func(item runtime.Object) error {
		obj, ok := item.(T)
		if !ok {
			return fmt.Errorf("print %T: not the kind of this resource", item)
		}
		table.Rows = append(table.Rows, metav1.TableRow{Cells: c.cells(obj), Object: runtime.RawExtension{Object: item}})
		return nil
	}
	var err error
	if meta.IsListType(object) {
		err = meta.EachListItem(object, add)
	} else {
		err = add(object)
	}
	if err != nil {
		return nil, err
	}

	if list, err := meta.ListAccessor(object); err == nil {
		table.ResourceVersion = list.GetResourceVersion()
		table.Continue = list.GetContinue()
		table.RemainingItemCount = list.GetRemainingItemCount()
	} else if single, err := meta.CommonAccessor(object); err == nil {
		table.ResourceVersion = single.GetResourceVersion()
	}
	if o, ok := options.(*metav1.TableOptions); !ok || !o.NoHeaders {
		table.ColumnDefinitions = c.definitions()
	}
	return table, nil
}

func (c tableConvertor[T]) cells(obj T) []any {
	cells := []any{obj.GetName()}
	for _, column := range c.columns {
		cells = append(cells, column.Cell(obj))
	}
	return cells
}

func (c tableConvertor[T]) definitions() []metav1.TableColumnDefinition {
	out := []metav1.TableColumnDefinition{{Name: "Name", Type: "string", Format: "name", Description: "Unique within the namespace, or the server for cluster-scoped kinds."}}
	for _, column := range c.columns {
		d := metav1.TableColumnDefinition{Name: column.Name, Type: column.Type, Description: column.Description}
		if d.Type == "" {
			d.Type = "string"
		}
		if column.Wide {
			d.Priority = 1
		}
		out = append(out, d)
	}
	return out
}
