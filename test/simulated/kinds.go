/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is a resource that members serve.
type kind struct {
	schema.GroupVersionKind
	plural     string
	namespaced bool
}

func (k *kind) resource() schema.GroupVersionResource { return k.GroupVersion().WithResource(k.plural) }

// served is what a member serves, about what a cluster without extensions does: group/version, then the kinds of it. A
// star marks those that belong to no namespace. Plurals are what English makes of the kinds, but for the exceptions.
const served = `
v1 Binding ComponentStatus* ConfigMap Endpoints Event LimitRange Namespace* Node* PersistentVolumeClaim PersistentVolume* Pod PodTemplate ReplicationController ResourceQuota Secret ServiceAccount Service
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration* ValidatingAdmissionPolicy* ValidatingAdmissionPolicyBinding* ValidatingWebhookConfiguration*
apiextensions.k8s.io/v1 CustomResourceDefinition*
apiregistration.k8s.io/v1 APIService*
apps/v1 ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet
authentication.k8s.io/v1 SelfSubjectReview* TokenReview*
authorization.k8s.io/v1 LocalSubjectAccessReview SelfSubjectAccessReview* SelfSubjectRulesReview* SubjectAccessReview*
autoscaling/v2 HorizontalPodAutoscaler
autoscaling/v1 HorizontalPodAutoscaler
batch/v1 CronJob Job
certificates.k8s.io/v1 CertificateSigningRequest*
coordination.k8s.io/v1 Lease
discovery.k8s.io/v1 EndpointSlice
events.k8s.io/v1 Event
flowcontrol.apiserver.k8s.io/v1 FlowSchema* PriorityLevelConfiguration*
networking.k8s.io/v1 IngressClass* Ingress IPAddress* NetworkPolicy ServiceCIDR*
node.k8s.io/v1 RuntimeClass*
policy/v1 PodDisruptionBudget
rbac.authorization.k8s.io/v1 ClusterRoleBinding* ClusterRole* RoleBinding Role
resource.k8s.io/v1 DeviceClass* ResourceClaim ResourceClaimTemplate ResourceSlice*
scheduling.k8s.io/v1 PriorityClass*
storage.k8s.io/v1 CSIDriver* CSINode* CSIStorageCapacity StorageClass* VolumeAttachment* VolumeAttributesClass*
`

// kinds are all that is served, in the order of the table.
var kinds = parseKinds(served)

// byResource finds them as paths name them.
var byResource = func() map[schema.GroupVersionResource]*kind {
	out := map[schema.GroupVersionResource]*kind{}
	for i := range kinds {
		out[kinds[i].resource()] = &kinds[i]
	}
	return out
}()

var (
	namespaces  = byResource[schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}]
	pods        = byResource[schema.GroupVersionResource{Version: "v1", Resource: "pods"}]
	nodes       = byResource[schema.GroupVersionResource{Version: "v1", Resource: "nodes"}]
	deployments = byResource[schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}]
)

func parseKinds(table string) []kind {
	var out []kind
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		gv, err := schema.ParseGroupVersion(words[0])
		if err != nil {
			panic(err) // the table is part of the program
		}
		for _, word := range words[1:] {
			name, clusterWide := strings.CutSuffix(word, "*")
			out = append(out, kind{GroupVersionKind: gv.WithKind(name), plural: pluralOf(name), namespaced: !clusterWide})
		}
	}
	return out
}

func pluralOf(kind string) string {
	name := strings.ToLower(kind)
	switch {
	case name == "endpoints":
		return name
	case strings.HasSuffix(name, "y"):
		return strings.TrimSuffix(name, "y") + "ies"
	case strings.HasSuffix(name, "s"):
		return name + "es"
	}
	return name + "s"
}
