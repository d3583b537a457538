/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// refusalCheck is how often a manifest that a member has refused as invalid is sent again although nothing that is known
// here has changed: its rules may have.
const refusalCheck = 10 * time.Minute

// refusal is a manifest that a member has refused as invalid. Sent once more, it would be refused again, as long as the
// copy is what it was.
type refusal struct {
	hash        string
	fingerprint uint64 // of the copy; 0 for none
	at          time.Time
	why         error
}

// refused repeats that the manifest was refused, and returns for how long there is no use in sending it again; 0 if there
// may be one.
func (j *job) refused(want *unstructured.Unstructured) time.Duration {
	r := j.read().refusal
	if r == nil {
		return 0
	}
	left := refusalCheck - j.cfg.Clock.Since(r.at)
	if r.hash != want.GetAnnotations()[workv1alpha2.ContentHashAnnotation] || r.fingerprint != j.fingerprint() || left <= 0 {
		return 0
	}
	j.fail("SyncFailed", r.why)
	return left
}

func (j *job) fingerprint() uint64 {
	if j.have == nil {
		return 0
	}
	return j.have.Fingerprint
}

// refuse records that the member has refused the manifest as invalid, and what can be done about it.
func (j *job) refuse(want *unstructured.Unstructured, err error) time.Duration {
	var fields []string
	if j.have != nil {
		fields = fixedFields(err)
	}
	if len(fields) > 0 {
		err = fmt.Errorf("the cluster does not let %s be changed once the object exists; the copy there stays as it is, with none of the changes. "+
			"Change it back, by an override for this cluster if need be, or delete the template and apply it anew", strings.Join(fields, ", "))
	}
	now := j.cfg.Clock.Now()
	j.record(func(e *entry) {
		e.refusal = &refusal{want.GetAnnotations()[workv1alpha2.ContentHashAnnotation], j.fingerprint(), now, err}
	})
	j.fail("SyncFailed", err)
	return refusalCheck
}

// fixed are words by which API servers say that a field cannot be changed after an object was created. There is no code
// for it: Kubernetes' own validation and the rules of custom resources only have their messages.
var fixed = []string{
	"immutable", "may not change", "may not be changed", "cannot change", "cannot be changed", "can not be changed", "updates to",
}

// fixedFields returns the fields, sorted, that an answer says cannot be changed; none if it is about something else.
func fixedFields(err error) []string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	var out []string
	for _, c := range status.Status().Details.Causes {
		if c.Type != metav1.CauseTypeFieldValueInvalid && c.Type != metav1.CauseTypeForbidden {
			continue
		}
		message := strings.ToLower(c.Message)
		if slices.ContainsFunc(fixed, func(words string) bool { return strings.Contains(message, words) }) {
			out = append(out, describe(c))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// describe names the field. Where the cause is a whole part of the object, and its message lists what may be changed in it,
// that is said too.
func describe(c metav1.StatusCause) string {
	for _, word := range []string{"other than ", "except "} {
		if _, allowed, ok := strings.Cut(c.Message, word); ok {
			allowed, _, _ = strings.Cut(allowed, "\n") // what follows is a difference
			return fmt.Sprintf("%s (%s%s)", c.Field, word, strings.TrimSuffix(allowed, " are forbidden"))
		}
	}
	return c.Field
}
