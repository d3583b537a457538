/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// Resource models are classes of nodes by size. Each grade covers, for every resource, the amounts from its minimum up to
// but not including its maximum, where the next grade begins.

const gibibyte = 1 << 30

// defaultBounds are where the default grades begin, in cores and in Gi of memory.
var defaultBounds = []struct{ cpu, memory int64 }{
	{0, 0}, {1, 4}, {2, 16}, {4, 32}, {8, 64}, {16, 128}, {32, 256}, {64, 512}, {128, 1024},
}

func defaultModels() []clusterv1alpha1.ResourceModel {
	models := make([]clusterv1alpha1.ResourceModel, len(defaultBounds))
	for i, from := range defaultBounds {
		cpu := clusterv1alpha1.ResourceModelRange{
			Name: corev1.ResourceCPU,
			Min:  *resource.NewQuantity(from.cpu, resource.DecimalSI),
			Max:  unbounded(),
		}
		memory := clusterv1alpha1.ResourceModelRange{
			Name: corev1.ResourceMemory,
			Min:  *resource.NewQuantity(from.memory*gibibyte, resource.BinarySI),
			Max:  unbounded(),
		}
		if i+1 < len(defaultBounds) {
			to := defaultBounds[i+1]
			cpu.Max = *resource.NewQuantity(to.cpu, resource.DecimalSI)
			memory.Max = *resource.NewQuantity(to.memory*gibibyte, resource.BinarySI)
		}
		models[i] = clusterv1alpha1.ResourceModel{Grade: uint(i), Ranges: []clusterv1alpha1.ResourceModelRange{cpu, memory}}
	}
	return models
}

func unbounded() resource.Quantity { return *resource.NewQuantity(math.MaxInt64, resource.DecimalSI) }

// standardise sorts models by grade and opens both ends, so that every node belongs to some grade.
func standardise(models []clusterv1alpha1.ResourceModel) {
	slices.SortStableFunc(models, func(a, b clusterv1alpha1.ResourceModel) int { return cmp.Compare(a.Grade, b.Grade) })
	first, last := models[0].Ranges, models[len(models)-1].Ranges
	for i := range first {
		if !first[i].Min.IsZero() {
			first[i].Min = *resource.NewQuantity(0, first[i].Min.Format)
		}
	}
	for i := range last {
		last[i].Max = unbounded()
	}
}

func validateModels(models []clusterv1alpha1.ResourceModel, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, model := range models {
		path := path.Index(i)
		if len(model.Ranges) == 0 {
			errs = append(errs, field.Required(path.Child("ranges"), "the bounds of the grade"))
		}
		for j, r := range model.Ranges {
			path := path.Child("ranges").Index(j)
			errs = append(errs, validateResourceName(string(r.Name), path.Child("name"))...)
			if r.Min.Sign() < 0 {
				errs = append(errs, field.Invalid(path.Child("min"), r.Min.String(), "must not be negative"))
			}
			if r.Max.Cmp(r.Min) <= 0 {
				errs = append(errs, field.Invalid(path.Child("max"), r.Max.String(), fmt.Sprintf("must be greater than min, which is %s", r.Min.String())))
			}
		}
		if i > 0 {
			errs = append(errs, validateSuccession(models[i-1], model, path)...)
		}
	}
	return errs
}

func validateResourceName(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "a resource, such as cpu")}
	}
	var errs field.ErrorList
	for _, msg := range validation.IsQualifiedName(name) {
		errs = append(errs, field.Invalid(path, name, msg))
	}
	return errs
}

// validateSuccession checks that model, at path, continues where the one before it ends.
func validateSuccession(before, model clusterv1alpha1.ResourceModel, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if model.Grade == before.Grade {
		errs = append(errs, field.Duplicate(path.Child("grade"), model.Grade))
	}
	if len(model.Ranges) != len(before.Ranges) {
		return append(errs, field.Invalid(path.Child("ranges"), len(model.Ranges),
			fmt.Sprintf("must name the same resources as grade %d, which has %d ranges", before.Grade, len(before.Ranges))))
	}
	for j, r := range model.Ranges {
		path := path.Child("ranges").Index(j)
		previous := before.Ranges[j]
		if r.Name != previous.Name {
			errs = append(errs, field.Invalid(path.Child("name"), string(r.Name),
				fmt.Sprintf("must be %s: every grade lists the same resources in the same order", previous.Name)))
			continue
		}
		if r.Min.Cmp(previous.Max) != 0 {
			errs = append(errs, field.Invalid(path.Child("min"), r.Min.String(),
				fmt.Sprintf("must be %s, where grade %d ends", previous.Max.String(), before.Grade)))
		}
	}
	return errs
}
