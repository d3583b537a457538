/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
)

// Version is the release that all members say they are.
const Version = "v1.36.3"

const (
	plainJSON      = "application/json"
	aggregatedJSON = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
)

var verbs = metav1.Verbs{"create", "delete", "get", "list", "patch", "update", "watch"}

// page is a document that never changes, in the plain form and, if there is one, in the aggregated one.
type page struct{ plain, aggregated []byte }

// pages are the documents that are the same in all members, by path.
var pages = makePages()

func makePages() map[string]page {
	groups := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	var core, named apidiscoveryv2.APIGroupDiscoveryList
	out := map[string]page{
		"/version": {plain: document(version.Info{Major: "1", Minor: "36", GitVersion: Version, Platform: "linux/amd64"})},
	}
	for _, gv := range groupVersions() {
		path := "/apis/" + gv.String()
		if gv.Group == "" {
			path = "/api/" + gv.Version
		}
		out[path] = page{plain: document(resourceList(gv))}
		if gv.Group == "" {
			addDiscovery(&core, gv)
			continue
		}
		addDiscovery(&named, gv)
		v := metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: gv.Version}
		if n := len(groups.Groups); n > 0 && groups.Groups[n-1].Name == gv.Group {
			groups.Groups[n-1].Versions = append(groups.Groups[n-1].Versions, v)
			continue
		}
		groups.Groups = append(groups.Groups, metav1.APIGroup{
			Name: gv.Group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v,
		})
	}
	for _, l := range []*apidiscoveryv2.APIGroupDiscoveryList{&core, &named} {
		l.TypeMeta = metav1.TypeMeta{Kind: "APIGroupDiscoveryList", APIVersion: apidiscoveryv2.SchemeGroupVersion.String()}
	}
	out["/api"] = page{
		plain:      document(metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}),
		aggregated: document(core),
	}
	out["/apis"] = page{plain: document(groups), aggregated: document(named)}
	return out
}

// groupVersions returns what is served, in the order of the table: versions of one group stand together, the preferred one first.
func groupVersions() []schema.GroupVersion {
	var out []schema.GroupVersion
	for _, k := range kinds {
		if !slices.Contains(out, k.GroupVersion()) {
			out = append(out, k.GroupVersion())
		}
	}
	return out
}

func resourceList(gv schema.GroupVersion) metav1.APIResourceList {
	l := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv.String()}
	for _, k := range kinds {
		if k.GroupVersion() == gv {
			l.APIResources = append(l.APIResources, metav1.APIResource{
				Name: k.plural, SingularName: strings.ToLower(k.Kind), Kind: k.Kind, Namespaced: k.namespaced, Verbs: verbs,
			})
		}
	}
	return l
}

func addDiscovery(l *apidiscoveryv2.APIGroupDiscoveryList, gv schema.GroupVersion) {
	v := apidiscoveryv2.APIVersionDiscovery{Version: gv.Version, Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent}
	for _, k := range kinds {
		if k.GroupVersion() != gv {
			continue
		}
		scope := apidiscoveryv2.ScopeCluster
		if k.namespaced {
			scope = apidiscoveryv2.ScopeNamespace
		}
		v.Resources = append(v.Resources, apidiscoveryv2.APIResourceDiscovery{
			Resource: k.plural, SingularResource: strings.ToLower(k.Kind), Scope: scope, Verbs: verbs,
			ResponseKind: &metav1.GroupVersionKind{Group: gv.Group, Version: gv.Version, Kind: k.Kind},
		})
	}
	if n := len(l.Items); n > 0 && l.Items[n-1].Name == gv.Group {
		l.Items[n-1].Versions = append(l.Items[n-1].Versions, v)
		return
	}
	l.Items = append(l.Items, apidiscoveryv2.APIGroupDiscovery{
		ObjectMeta: metav1.ObjectMeta{Name: gv.Group}, Versions: []apidiscoveryv2.APIVersionDiscovery{v},
	})
}

func document(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain data
	}
	return data
}

// servePage answers for documents, and reports whether there is one at that path.
func servePage(w http.ResponseWriter, r *http.Request) bool {
	p, ok := pages[r.URL.Path]
	switch {
	case !ok:
		return false
	case p.aggregated != nil && strings.Contains(r.Header.Get("Accept"), "g=apidiscovery.k8s.io;v=v2;"):
		respond(w, http.StatusOK, aggregatedJSON, p.aggregated)
	default:
		respond(w, http.StatusOK, plainJSON, p.plain)
	}
	return true
}

// respond writes a complete answer. A client that has gone does not want it any more, so errors say nothing.
func respond(w http.ResponseWriter, code int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(code)
	_, _ = w.Write(body)
}
