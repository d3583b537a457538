/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Dependency refers to an object that a template needs in its cluster: by name, or all that match a selector. Its JSON
// is that of the entries in the annotation resourcebinding.karmada.io/dependencies.
type Dependency struct {
	APIVersion    string                `json:"apiVersion"`
	Kind          string                `json:"kind"`
	Namespace     string                `json:"namespace,omitempty"`
	Name          string                `json:"name,omitempty"`
	LabelSelector *metav1.LabelSelector `json:"labelSelector,omitempty"`
}

func (d Dependency) key() string {
	s := d.APIVersion + "\x00" + d.Kind + "\x00" + d.Namespace + "\x00" + d.Name
	if d.LabelSelector != nil {
		s += "\x00" + metav1.FormatLabelSelector(d.LabelSelector)
	}
	return s
}

func sortedDependencies(deps []Dependency) []Dependency {
	slices.SortFunc(deps, func(a, b Dependency) int { return cmp.Compare(a.key(), b.key()) })
	return slices.CompactFunc(deps, func(a, b Dependency) bool { return a.key() == b.key() })
}

// podDependencies returns the rule for kinds with a pod template at the given path.
func podDependencies(podTemplate ...string) func(*unstructured.Unstructured) ([]Dependency, error) {
	return func(tmpl *unstructured.Unstructured) ([]Dependency, error) {
		spec, err := podSpecAt(tmpl.Object, podTemplate)
		if err != nil {
			return nil, err
		}
		c := collector{namespace: tmpl.GetNamespace()}
		c.podSpec(spec)
		return c.found, nil
	}
}

// statefulSetDependencies leaves out the claims that the StatefulSet makes itself.
func statefulSetDependencies(tmpl *unstructured.Unstructured) ([]Dependency, error) {
	deps, err := podDependencies("spec", "template")(tmpl)
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for _, c := range objectsAt(tmpl.Object, "spec", "volumeClaimTemplates") {
		own[stringAt(c, "metadata", "name")] = true
	}
	return slices.DeleteFunc(deps, func(d Dependency) bool {
		return d.Kind == "PersistentVolumeClaim" && own[d.Name]
	}), nil
}

func ingressDependencies(tmpl *unstructured.Unstructured) ([]Dependency, error) {
	c := collector{namespace: tmpl.GetNamespace()}
	for _, tls := range objectsAt(tmpl.Object, "spec", "tls") {
		c.secret(stringAt(tls, "secretName")) // without a name the controller's own certificate is meant
	}
	return c.found, nil
}

func importDependencies(tmpl *unstructured.Unstructured) ([]Dependency, error) {
	derived := "derived-" + tmpl.GetName()
	return []Dependency{
		{APIVersion: "v1", Kind: "Service", Namespace: tmpl.GetNamespace(), Name: derived},
		{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice", Namespace: tmpl.GetNamespace(),
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/service-name": derived}}},
	}, nil
}

// collector gathers references out of a pod spec. Empty names are no references.
type collector struct {
	namespace string
	found     []Dependency
}

func (c *collector) add(kind, name string) {
	if name != "" {
		c.found = append(c.found, Dependency{APIVersion: "v1", Kind: kind, Namespace: c.namespace, Name: name})
	}
}

func (c *collector) secret(name string) { c.add("Secret", name) }

// configMap leaves out the certificates of the API server, which every cluster puts into each namespace for itself.
func (c *collector) configMap(name string) {
	if name != "kube-root-ca.crt" {
		c.add("ConfigMap", name)
	}
}

// localSecret follows a reference that older volume types make by pointer, within the pod's namespace.
func (c *collector) localSecret(ref *corev1.LocalObjectReference) {
	if ref != nil {
		c.secret(ref.Name)
	}
}

func (c *collector) podSpec(spec *corev1.PodSpec) {
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for _, ctr := range containers {
			c.environment(ctr.Env, ctr.EnvFrom)
		}
	}
	for _, ctr := range spec.EphemeralContainers {
		c.environment(ctr.Env, ctr.EnvFrom)
	}
	for _, ref := range spec.ImagePullSecrets {
		c.secret(ref.Name)
	}
	if account := cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount); account != "default" {
		c.add("ServiceAccount", account)
	}
	for _, v := range spec.Volumes {
		c.volume(v)
	}
}

func (c *collector) environment(env []corev1.EnvVar, from []corev1.EnvFromSource) {
	for _, e := range env {
		if e.ValueFrom == nil {
			continue
		}
		if ref := e.ValueFrom.ConfigMapKeyRef; ref != nil {
			c.configMap(ref.Name)
		}
		if ref := e.ValueFrom.SecretKeyRef; ref != nil {
			c.secret(ref.Name)
		}
	}
	for _, f := range from {
		if f.ConfigMapRef != nil {
			c.configMap(f.ConfigMapRef.Name)
		}
		if f.SecretRef != nil {
			c.secret(f.SecretRef.Name)
		}
	}
}

func (c *collector) volume(v corev1.Volume) {
	switch {
	case v.ConfigMap != nil:
		c.configMap(v.ConfigMap.Name)
	case v.Secret != nil:
		c.secret(v.Secret.SecretName)
	case v.Projected != nil:
		c.projected(v.Projected.Sources)
	case v.PersistentVolumeClaim != nil:
		c.add("PersistentVolumeClaim", v.PersistentVolumeClaim.ClaimName)
	case v.AzureFile != nil:
		c.secret(v.AzureFile.SecretName)
	case v.CephFS != nil:
		c.localSecret(v.CephFS.SecretRef)
	case v.Cinder != nil:
		c.localSecret(v.Cinder.SecretRef)
	case v.FlexVolume != nil:
		c.localSecret(v.FlexVolume.SecretRef)
	case v.RBD != nil:
		c.localSecret(v.RBD.SecretRef)
	case v.ScaleIO != nil:
		c.localSecret(v.ScaleIO.SecretRef)
	case v.ISCSI != nil:
		c.localSecret(v.ISCSI.SecretRef)
	case v.StorageOS != nil:
		c.localSecret(v.StorageOS.SecretRef)
	case v.CSI != nil:
		c.localSecret(v.CSI.NodePublishSecretRef)
	}
}

func (c *collector) projected(sources []corev1.VolumeProjection) {
	for _, s := range sources {
		if s.ConfigMap != nil {
			c.configMap(s.ConfigMap.Name)
		}
		if s.Secret != nil {
			c.secret(s.Secret.Name)
		}
	}
}
