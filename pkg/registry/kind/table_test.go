/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTable(t *testing.T) {
	b := start(t)
	ctx := inShop(t)
	if _, err := b.work.ResourceBindings.Writer().Create(ctx, newBinding("web")); err != nil {
		t.Fatal(err)
	}
	list, err := b.work.ResourceBindings.ListWatch().ListWithContext(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := b.work.ResourceBindings.ConvertToTable(ctx, list, &metav1.TableOptions{})
	if err != nil {
		t.Fatal(err)
	}
	type column struct {
		Name, Type string
		Priority   int32
	}
	var got []column
	for _, d := range table.ColumnDefinitions {
		got = append(got, column{d.Name, d.Type, d.Priority})
	}
	want := []column{{"Name", "string", 0}, {"Scheduled", "string", 0}, {"FullyApplied", "string", 0}, {"Age", "string", 0}, {"Clusters", "string", 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if len(table.Rows) != 1 || table.Rows[0].Cells[0] != "web" || table.Rows[0].Cells[4] != "m1:1" || table.Rows[0].Object.Object == nil {
		t.Errorf("rows: %+v", table.Rows)
	}
	if table.ResourceVersion == "" {
		t.Error("the table has no resourceVersion")
	}

	single, err := b.work.ResourceBindings.Get(ctx, "web", &metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	table, err = b.work.ResourceBindings.Status().ConvertToTable(ctx, single, &metav1.TableOptions{NoHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(table.ColumnDefinitions) != 0 || len(table.Rows) != 1 || table.ResourceVersion == "" {
		t.Errorf("table without headers: %+v", table)
	}
	if _, err := b.work.ResourceBindings.ConvertToTable(ctx, newPolicy(), nil); err == nil {
		t.Error("an object of another kind is printed")
	}
}
