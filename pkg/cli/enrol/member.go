/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package enrol

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/brief"
)

// Object is an API object with its type set, ready to be applied.
type Object interface {
	runtime.Object
	metav1.Object
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace,
		Name:      name,
		Labels:    map[string]string{clusterv1alpha1.SystemLabel: clusterv1alpha1.SystemLabelValue},
	}
}

func typed(gv schema.GroupVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: gv.String(), Kind: kind}
}

// IsOurs says whether an object was made by joining or by the system, and not by a user.
func IsOurs(obj metav1.Object) bool {
	return obj.GetLabels()[clusterv1alpha1.SystemLabel] == clusterv1alpha1.SystemLabelValue
}

// Namespace returns the namespace for what joining makes, on the hub as in the member. One that exists is to be left as
// it is: the label tells afterwards who made it.
func Namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{TypeMeta: typed(corev1.SchemeGroupVersion, "Namespace"), ObjectMeta: meta("", name)}
}

// ServiceAccount returns one of the service accounts that the hub uses in the member.
func ServiceAccount(namespace, name string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{TypeMeta: typed(corev1.SchemeGroupVersion, "ServiceAccount"), ObjectMeta: meta(namespace, name)}
}

// ClusterRole returns the member's role for the hub: everything, since a user of the hub may propagate anything.
func ClusterRole(cluster string) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{
		TypeMeta:   typed(rbacv1.SchemeGroupVersion, "ClusterRole"),
		ObjectMeta: meta("", Role(cluster)),
		Rules: []rbacv1.PolicyRule{
			{Verbs: []string{rbacv1.VerbAll}, APIGroups: []string{rbacv1.APIGroupAll}, Resources: []string{rbacv1.ResourceAll}},
			{Verbs: []string{"get"}, NonResourceURLs: []string{rbacv1.NonResourceAll}},
		},
	}
}

// ClusterRoleBinding binds [ClusterRole] to the hub's account.
func ClusterRoleBinding(namespace, cluster string) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		TypeMeta:   typed(rbacv1.SchemeGroupVersion, "ClusterRoleBinding"),
		ObjectMeta: meta("", Role(cluster)),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: Role(cluster)},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: Account(cluster)}},
	}
}

// ImpersonatorRole names the member's role, and the binding, by which [ImpersonatorAccount] acts as users. The hub keeps them.
func ImpersonatorRole() *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{TypeMeta: typed(rbacv1.SchemeGroupVersion, "ClusterRole"), ObjectMeta: meta("", ImpersonatorAccount)}
}

// ImpersonatorRoleBinding names the binding of [ImpersonatorRole].
func ImpersonatorRoleBinding() *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{TypeMeta: typed(rbacv1.SchemeGroupVersion, "ClusterRoleBinding"), ObjectMeta: meta("", ImpersonatorAccount)}
}

// TokenSecret returns the Secret that the member's token controller fills with a token of the service account of the same name.
func TokenSecret(namespace, account string) *corev1.Secret {
	s := &corev1.Secret{
		TypeMeta:   typed(corev1.SchemeGroupVersion, "Secret"),
		ObjectMeta: meta(namespace, account),
		Type:       corev1.SecretTypeServiceAccountToken,
	}
	s.Annotations = map[string]string{corev1.ServiceAccountNameKey: account}
	return s
}

// TokenState is how far a token Secret is.
type TokenState int

const (
	// TokenPending says that the token controller has not filled the Secret yet.
	TokenPending TokenState = iota
	// TokenIssued says that the Secret has a token of the account.
	TokenIssued
	// TokenStale says that the Secret belongs to an account of the same name that is gone. Its token is worthless, and it
	// never gets another.
	TokenStale
)

// TokenStateOf returns the state of secret for the account that it is to hold a token of.
func TokenStateOf(secret *corev1.Secret, account *corev1.ServiceAccount) TokenState {
	uid := secret.Annotations[corev1.ServiceAccountUIDKey]
	switch {
	case uid != "" && uid != string(account.UID):
		return TokenStale
	case uid != "" && len(secret.Data[corev1.ServiceAccountTokenKey]) > 0:
		return TokenIssued
	}
	return TokenPending
}

// maxContent bounds how many objects a message names.
const maxContent = 5

// LeaveReason says why unjoin does not delete a namespace, empty if it may: when joining made it and nothing is left.
func LeaveReason(ns *corev1.Namespace, content []string) string {
	switch {
	case ns == nil:
		return ""
	case !IsOurs(ns):
		return "it was not made by joining"
	case len(content) > 0:
		return "it still holds " + brief.Names(content, maxContent)
	}
	return ""
}
