/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

// FrontProxyName is the name in the certificate by which a member's API server is known to the API servers behind it.
const FrontProxyName = frontProxy

// AuthorityDir is the folder with ca.crt and ca.key, the authority of a member's certificates: that of its own, of its
// users, and of its API server as a front proxy.
func (m *Member) AuthorityDir() string { return m.pki.dir }
