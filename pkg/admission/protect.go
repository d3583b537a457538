/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package admission

import (
	"context"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apiserver/pkg/admission"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// ProtectPlugin is the name of the plugin that Protect is.
const ProtectPlugin = "DeletionProtection"

// Protect refuses to delete an object that carries the label resourcetemplate.karmada.io/deletion-protected: Always.
type Protect struct{ *admission.Handler }

var _ admission.ValidationInterface = Protect{}

// RegisterProtect makes the plugin known under its name.
func RegisterProtect(plugins *admission.Plugins) {
	plugins.Register(ProtectPlugin, func(io.Reader) (admission.Interface, error) {
		return Protect{admission.NewHandler(admission.Delete)}, nil
	})
}

// Validate implements admission.ValidationInterface.
func (Protect) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if a.GetSubresource() != "" {
		return nil
	}
	old, err := meta.Accessor(a.GetOldObject())
	if err != nil || old.GetLabels()[workv1alpha2.DeletionProtectionLabel] != workv1alpha2.DeletionProtectionAlways {
		return nil
	}
	return admission.NewForbidden(a, fmt.Errorf("the object is protected: remove the label %s=%s first",
		workv1alpha2.DeletionProtectionLabel, workv1alpha2.DeletionProtectionAlways))
}
