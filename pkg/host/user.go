/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package host

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apiserver/pkg/authentication/user"
)

// Mapping says by which names the hub knows the users of the host. Both prefixes end in a colon.
type Mapping struct {
	UserPrefix, GroupPrefix string
}

// Validate returns why a prefix will not do. The names that Kubernetes reserves begin with "system:", and none must come
// about: an administrator of the host is not one of the hub.
func (m Mapping) Validate() error {
	return errors.Join(validatePrefix("user", m.UserPrefix), validatePrefix("group", m.GroupPrefix))
}

func validatePrefix(what, prefix string) error {
	first, _, colon := strings.Cut(prefix, ":")
	switch {
	case first == "" || !colon || !strings.HasSuffix(prefix, ":"):
		return fmt.Errorf("%s prefix %q: want a name and a colon, such as \"host:\"", what, prefix)
	case first == "system":
		return fmt.Errorf("%s prefix %q: names that begin with \"system:\" are Kubernetes' own; choose another one", what, prefix)
	}
	return nil
}

// User is somebody whom the host has authenticated. As a [user.Info] it is who they are on the hub: prefixed names, and the
// group of all authenticated users. UID and extra values stay with the host; they mean nothing here. A
// request is that of a User if it came with the host's front-proxy certificate; being a Go type, it cannot be claimed.
type User struct {
	onHub  user.DefaultInfo
	onHost user.Info
}

var _ user.Info = &User{}

// GetName returns the name on the hub.
func (u *User) GetName() string { return u.onHub.Name }

// GetUID returns nothing: the host's UIDs identify nobody on the hub.
func (u *User) GetUID() string { return "" }

// GetGroups returns the groups on the hub.
func (u *User) GetGroups() []string { return u.onHub.Groups }

// GetExtra returns nothing.
func (u *User) GetExtra() map[string][]string { return nil }

// OnHost returns who the user is for the host.
func (u *User) OnHost() user.Info { return u.onHost }

// Anonymous says whether the host does not know who it is.
func (u *User) Anonymous() bool {
	if u.onHost.GetName() == user.Anonymous {
		return true
	}
	for _, g := range u.onHost.GetGroups() {
		if g == user.AllUnauthenticated {
			return true
		}
	}
	return false
}

// From returns the user of the host that info is, nil if it is none.
func From(info user.Info) *User {
	u, _ := info.(*User)
	return u
}

// User maps a user of the host to the hub.
func (m Mapping) User(onHost user.Info) *User {
	u := &User{onHost: onHost, onHub: user.DefaultInfo{Name: m.UserPrefix + onHost.GetName()}}
	for _, g := range onHost.GetGroups() {
		if g != "" {
			u.onHub.Groups = append(u.onHub.Groups, m.GroupPrefix+g)
		}
	}
	all := user.AllAuthenticated
	if u.Anonymous() {
		all = user.AllUnauthenticated
	}
	u.onHub.Groups = append(u.onHub.Groups, all)
	return u
}
