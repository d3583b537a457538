/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// ServeHTTP implements http.Handler: it is the member's API server.
func (m *Member) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.requests.Add(1)
	if m.answers(r.Context()) != nil || m.delay(r.Context()) != nil {
		return // the client has gone
	}
	if r.Header.Get("Authorization") != "Bearer "+m.Token {
		fail(w, apierrors.NewUnauthorized("the token is not that of this cluster"))
		return
	}
	switch r.URL.Path {
	case "/readyz", "/healthz", "/livez":
		respond(w, http.StatusOK, "text/plain", []byte("ok"))
		return
	}
	if servePage(w, r) {
		return
	}
	k, key, ok := parsePath(r.URL.Path)
	if !ok {
		fail(w, apierrors.NewGenericServerResponse(http.StatusNotFound, r.Method, schema.GroupResource{}, "", "no such path: "+r.URL.Path, 0, true))
		return
	}
	if err := m.serve(w, r, k, key); err != nil {
		fail(w, err)
	}
}

// parsePath reads /api/v1/... or /apis/group/version/..., then [namespaces/NAMESPACE/]RESOURCE[/NAME]. Subresources are not served.
func parsePath(path string) (k *kind, key types.NamespacedName, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var gvr schema.GroupVersionResource
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		gvr.Version, parts = parts[1], parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		gvr.Group, gvr.Version, parts = parts[1], parts[2], parts[3:]
	default:
		return nil, key, false
	}
	inNamespace := len(parts) >= 3 && parts[0] == "namespaces"
	if inNamespace {
		key.Namespace, parts = parts[1], parts[2:]
	}
	gvr.Resource = parts[0]
	if len(parts) == 2 {
		key.Name = parts[1]
	}
	k = byResource[gvr]
	return k, key, k != nil && len(parts) <= 2 && (k.namespaced || !inNamespace)
}

// query is what a list or a watch is about.
type query struct {
	namespace string
	labels    labels.Selector
	fields    fields.Selector
}

func parseQuery(namespace string, values url.Values) (*query, error) {
	l, err := labels.Parse(values.Get("labelSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	f, err := fields.ParseSelector(values.Get("fieldSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return &query{namespace: namespace, labels: l, fields: f}, nil
}

func (q *query) covers(o *object) bool {
	return o != nil && (q.namespace == "" || q.namespace == o.key.Namespace) && q.labels.Matches(o.labels) &&
		(q.fields.Empty() || q.fields.Matches(fields.Set{"metadata.name": o.key.Name, "metadata.namespace": o.key.Namespace}))
}

func (m *Member) serve(w http.ResponseWriter, r *http.Request, k *kind, key types.NamespacedName) error {
	values := r.URL.Query()
	switch {
	case r.Method == http.MethodGet && key.Name == "":
		q, err := parseQuery(key.Namespace, values)
		if err != nil {
			return err
		}
		if watches, _ := strconv.ParseBool(values.Get("watch")); watches { // what is not true is a list
			return m.watch(w, r, k, q)
		}
		return m.list(w, k, q, values)
	case r.Method == http.MethodGet:
		return m.get(w, k, key)
	case r.Method == http.MethodDelete && key.Name != "":
		return m.serveDelete(w, r, k, key)
	case r.Method == http.MethodPost && key.Name == "", r.Method == http.MethodPut && key.Name != "", r.Method == http.MethodPatch && key.Name != "":
		return m.serveWrite(w, r, k, key)
	}
	return apierrors.NewMethodNotSupported(k.resource().GroupResource(), r.Method)
}

func (m *Member) get(w http.ResponseWriter, k *kind, key types.NamespacedName) error {
	m.mu.RLock()
	var o *object
	if t := m.tables[k]; t != nil {
		o = t.objects[key]
	}
	m.mu.RUnlock()
	if o == nil {
		return apierrors.NewNotFound(k.resource().GroupResource(), key.Name)
	}
	respond(w, http.StatusOK, plainJSON, o.data)
	return nil
}

// list answers with all objects, or with as many as the client asks for at a time: the token for the rest is the last name.
func (m *Member) list(w http.ResponseWriter, k *kind, q *query, values url.Values) error {
	objects, version := m.find(k, q)
	if after := values.Get("continue"); after != "" {
		objects = objects[sort.Search(len(objects), func(i int) bool { return objects[i].key.String() > after }):]
	}
	next := ""
	if limit := values.Get("limit"); limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 0 {
			return apierrors.NewBadRequest("invalid limit: " + limit)
		}
		if n > 0 && n < len(objects) {
			objects, next = objects[:n], objects[n-1].key.String()
		}
	}
	w.Header().Set("Content-Type", plainJSON)
	head := fmt.Sprintf(`{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"%d","continue":%q},"items":[`, k.Kind+"List", k.GroupVersion(), version, next)
	// A client that has gone does not want the rest, so errors say nothing.
	_, _ = io.WriteString(w, head)
	for i, o := range objects {
		if i > 0 {
			_, _ = io.WriteString(w, ",")
		}
		_, _ = w.Write(o.data)
	}
	_, _ = io.WriteString(w, "]}")
	return nil
}

func (m *Member) serveDelete(w http.ResponseWriter, r *http.Request, k *kind, key types.NamespacedName) error {
	var options metav1.DeleteOptions
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &options); err != nil {
			return apierrors.NewBadRequest(err.Error())
		}
	}
	var uid types.UID
	if p := options.Preconditions; p != nil && p.UID != nil {
		uid = *p.UID
	}
	o, err := m.remove(k, key, uid)
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, plainJSON, o.data)
	return nil
}

func (m *Member) serveWrite(w http.ResponseWriter, r *http.Request, k *kind, key types.NamespacedName) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	manager := r.URL.Query().Get("fieldManager")
	if manager == "" {
		manager, _, _ = strings.Cut(r.UserAgent(), "/")
	}
	if key.Name == "" {
		key.Name = body.GetName()
	}
	if key.Name == "" {
		return apierrors.NewBadRequest("the object has no name")
	}
	if body.GetName() != "" && body.GetName() != key.Name {
		return apierrors.NewBadRequest("the name of the object is not that of the request")
	}
	wr := write{kind: k, key: key, manager: manager, body: body}
	code := http.StatusOK
	var o *object
	switch r.Method {
	case http.MethodPost:
		code = http.StatusCreated
		o, err = m.create(wr)
	case http.MethodPut:
		o, err = m.update(wr)
	default:
		var created bool
		if o, created, err = m.apply(wr); created {
			code = http.StatusCreated
		}
	}
	if err != nil {
		return err
	}
	respond(w, code, plainJSON, o.data)
	return nil
}

// readBody reads the object in a request, as JSON or, for an apply, as YAML.
func readBody(r *http.Request) (*unstructured.Unstructured, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	contentType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	apply := contentType == string(types.ApplyYAMLPatchType)
	if err != nil || r.Method == http.MethodPatch && !apply || r.Method != http.MethodPatch && contentType != plainJSON {
		return nil, apierrors.NewGenericServerResponse(http.StatusUnsupportedMediaType, r.Method, schema.GroupResource{}, "",
			"only JSON, and for patches server-side apply, is understood", 0, true)
	}
	if apply && (len(data) == 0 || data[0] != '{') {
		if data, err = yaml.YAMLToJSON(data); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
	}
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(data, &u.Object); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if u.Object == nil {
		return nil, apierrors.NewBadRequest("there is no object in the request")
	}
	return u, nil
}

// fail answers with an error as an API server does.
func fail(w http.ResponseWriter, err error) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		status = apierrors.NewInternalError(err)
	}
	s := status.Status()
	s.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	respond(w, int(s.Code), plainJSON, document(s))
}
