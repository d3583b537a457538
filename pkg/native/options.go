/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package native

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle"
	mutatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	validatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	mutatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/mutating"
	validatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/validating"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/kubernetes/pkg/controlplane/apiserver/options"
	kubeoptions "k8s.io/kubernetes/pkg/kubeapiserver/options"
	"k8s.io/kubernetes/pkg/serviceaccount"
	certapproval "k8s.io/kubernetes/plugin/pkg/admission/certificates/approval"
	certsigning "k8s.io/kubernetes/plugin/pkg/admission/certificates/signing"
	certsubject "k8s.io/kubernetes/plugin/pkg/admission/certificates/subjectrestriction"
)

// Options are the flags of a Kubernetes API server.
type Options = options.Options

// CompletedOptions are Options after defaulting.
type CompletedOptions = options.CompletedOptions

// NewOptions returns Kubernetes' defaults, changed where a hub differs from a cluster: RBAC is on, and the admission
// plugins that prepare a pod for running here (service account volumes, tolerations, priority numbers) are off, as
// nothing runs here: a template is stored as the user wrote it, and each member's own admission prepares the pod.
func NewOptions() *Options {
	o := options.NewOptions()
	// Without these, watches that are open keep a server that is told to stop waiting for a minute.
	o.GenericServerRunOptions.ShutdownSendRetryAfter = true
	o.GenericServerRunOptions.ShutdownWatchTerminationGracePeriod = time.Second
	o.Authorization.Modes = []string{"RBAC"}
	o.Authentication.Anonymous.Allow = false
	o.Authentication.ServiceAccounts.OptionalTokenGetter = tokenGetter
	o.Admission.GenericAdmission.DefaultOffPlugins = sets.New(kubeoptions.AllOrderedPlugins...).Difference(sets.New(
		lifecycle.PluginName,
		mutatingwebhook.PluginName,
		validatingwebhook.PluginName,
		mutatingpolicy.PluginName,
		validatingpolicy.PluginName,
		resourcequota.PluginName,
		certapproval.PluginName,
		certsigning.PluginName,
		certsubject.PluginName,
	))
	return o
}

// accounts answers the service account authenticator from informers. Tokens bound to pods or nodes are refused: neither
// lives on the hub.
type accounts struct {
	secrets  corelisters.SecretLister
	accounts corelisters.ServiceAccountLister
}

func tokenGetter(f informers.SharedInformerFactory) serviceaccount.ServiceAccountTokenGetter {
	core := f.Core().V1()
	return accounts{secrets: core.Secrets().Lister(), accounts: core.ServiceAccounts().Lister()}
}

func (a accounts) GetServiceAccount(_ context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	return a.accounts.ServiceAccounts(namespace).Get(name)
}

func (a accounts) GetSecret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	return a.secrets.Secrets(namespace).Get(name)
}

func (accounts) GetPod(_ context.Context, _, name string) (*corev1.Pod, error) {
	return nil, apierrors.NewNotFound(corev1.Resource("pods"), name)
}

func (accounts) GetNode(_ context.Context, name string) (*corev1.Node, error) {
	return nil, apierrors.NewNotFound(corev1.Resource("nodes"), name)
}
