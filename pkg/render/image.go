/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"fmt"
	"regexp"
	"strings"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// image is an image reference, [registry/]repository[:tag][@digest], in its parts.
type image struct {
	registry, repository, tag, digest string
}

// parseImage takes any string apart, so that putting it together again gives the same string. The first segment is the
// registry only if it looks like a host: with a dot, with a colon, or localhost.
func parseImage(s string) image {
	var img image
	if host, rest, ok := strings.Cut(s, "/"); ok && (host == "localhost" || strings.ContainsAny(host, ".:")) {
		img.registry, s = host, rest
	}
	if name, digest, ok := strings.Cut(s, "@"); ok && digest != "" {
		img.digest, s = digest, name
	}
	if colon := strings.LastIndexByte(s, ':'); colon > strings.LastIndexByte(s, '/') && colon < len(s)-1 {
		img.tag, s = s[colon+1:], s[:colon]
	}
	img.repository = s
	return img
}

func (i image) String() string {
	s := i.repository
	if i.registry != "" {
		s = i.registry + "/" + s
	}
	if i.tag != "" {
		s += ":" + i.tag
	}
	if i.digest != "" {
		s += "@" + i.digest
	}
	return s
}

var (
	tagSyntax    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	digestSyntax = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$`)
)

// overrideImage edits one part of an image reference.
func overrideImage(s string, o policyv1alpha1.ImageOverrider) (string, error) {
	img := parseImage(s)
	switch o.Component {
	case policyv1alpha1.ImageComponentRegistry:
		return img.edit(&img.registry, o)
	case policyv1alpha1.ImageComponentRepository:
		return img.edit(&img.repository, o)
	case policyv1alpha1.ImageComponentTag:
		return img.editTag(o)
	}
	return "", fmt.Errorf("unknown image component %q", o.Component)
}

func (i *image) edit(part *string, o policyv1alpha1.ImageOverrider) (string, error) {
	switch o.Operator {
	case policyv1alpha1.OverriderOpAdd:
		*part += o.Value
	case policyv1alpha1.OverriderOpReplace:
		*part = o.Value
	case policyv1alpha1.OverriderOpRemove:
		*part = ""
	default:
		return "", fmt.Errorf("unknown operator %q", o.Operator)
	}
	return i.String(), nil
}

// editTag edits the tag, or the digest of a reference that has no tag. A digest beside a tag goes when the tag is edited:
// it names the content of the old one, and would win over the new. A replacement that is neither tag nor digest changes
// nothing.
func (i *image) editTag(o policyv1alpha1.ImageOverrider) (string, error) {
	if i.tag == "" && i.digest != "" && o.Operator == policyv1alpha1.OverriderOpAdd {
		return i.edit(&i.digest, o)
	}
	if o.Operator == policyv1alpha1.OverriderOpReplace {
		switch {
		case digestSyntax.MatchString(o.Value):
			i.tag = ""
			return i.edit(&i.digest, o)
		case !tagSyntax.MatchString(o.Value):
			return i.String(), nil
		}
	}
	i.digest = ""
	return i.edit(&i.tag, o)
}
