/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package through

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/json" // keeps large integers as they are
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
)

// cachedFromCluster is the annotation that says which cluster an object comes from.
const cachedFromCluster = "resource.karmada.io/cached-from-cluster"

const asTable = "application/json;as=Table;g=meta.k8s.io;v=v1"

// list answers with the objects of all clusters, ordered by cluster. Those of clusters that fail are missing, of which a
// warning tells.
func (c *Clusters) list(w http.ResponseWriter, req *http.Request, as user.Info, path string, info *request.RequestInfo, responder rest.Responder) {
	accept := "application/json"
	if wantsTable(req.Header.Get("Accept")) {
		accept = asTable + ",application/json"
	}
	given := c.ask(req.Context(), as, path, wholeList(req.URL.Query()), accept)
	var sum merged
	var failed error
	for _, a := range given {
		err := a.err
		if err == nil {
			err = sum.add(a.cluster, a.body)
		}
		if err == nil || apierrors.IsNotFound(err) { // not served there
			continue
		}
		if failed == nil {
			failed = err
		}
		warning.AddWarning(req.Context(), "", fmt.Sprintf("what cluster %s has is missing from this list: %v", a.cluster, err))
	}
	switch {
	case sum.list == nil && failed != nil:
		responder.Error(failed)
		return
	case sum.list == nil:
		responder.Error(apierrors.NewGenericServerResponse(http.StatusNotFound, "list", groupResource(info), "", "no cluster serves this", 0, true))
		return
	}
	body, err := json.Marshal(sum.result())
	if err != nil {
		responder.Error(apierrors.NewInternalError(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // who has gone needs no answer
}

// wantsTable reports whether a client would rather have a table than the objects.
func wantsTable(accept string) bool {
	first, _, _ := strings.Cut(accept, ",")
	return strings.Contains(first, "as=Table") && strings.Contains(first, "application/json")
}

// wholeList is a query without what only one cluster could make sense of: its resource versions, and parts of a list.
func wholeList(query url.Values) string {
	for _, name := range []string{"limit", "continue", "resourceVersion", "resourceVersionMatch"} {
		query.Del(name)
	}
	return query.Encode()
}

// merged adds up lists, or tables, of several clusters.
type merged struct {
	list    map[string]any // the first, without its items; nil before
	field   string         // where items are
	items   []any
	columns []string // of a table
}

// add appends what a cluster has answered.
func (m *merged) add(cluster string, body []byte) error {
	var list map[string]any
	if err := json.Unmarshal(body, &list); err != nil {
		return apierrors.NewInternalError(fmt.Errorf("the answer of cluster %s is no list: %w", cluster, err))
	}
	field := "items"
	if list["kind"] == "Table" {
		field = "rows"
	}
	if m.list != nil && m.field != field {
		return apierrors.NewInternalError(fmt.Errorf("cluster %s answers with a %v, others with a %v", cluster, list["kind"], m.list["kind"]))
	}
	items, _ := list[field].([]any) // may be null
	columns := columnNames(list)
	if m.list == nil {
		m.list, m.field, m.columns = list, field, columns
		delete(list, field)
	}
	for _, item := range items {
		object, ok := item.(map[string]any)
		if !ok {
			return apierrors.NewInternalError(fmt.Errorf("the answer of cluster %s has an item that is no object", cluster))
		}
		if field == "rows" {
			object["cells"] = append(m.cells(columns, object["cells"]), cluster)
			object, _ = object["object"].(map[string]any)
		}
		annotate(object, cluster)
		m.items = append(m.items, item)
	}
	return nil
}

// annotate says in an object where it comes from. A row of a table may come without one.
func annotate(object map[string]any, cluster string) {
	if object == nil {
		return
	}
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
		object["metadata"] = metadata
	}
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		annotations = map[string]any{}
		metadata["annotations"] = annotations
	}
	annotations[cachedFromCluster] = cluster
}

func columnNames(table map[string]any) []string {
	definitions, _ := table["columnDefinitions"].([]any)
	var names []string
	for _, d := range definitions {
		definition, _ := d.(map[string]any)
		name, _ := definition["name"].(string)
		names = append(names, name)
	}
	return names
}

// cells puts the cells of a row into the order of the first table's columns: clusters of another version may print others.
func (m *merged) cells(columns []string, row any) []any {
	cells, _ := row.([]any)
	if slices.Equal(columns, m.columns) {
		return cells
	}
	out := make([]any, len(m.columns))
	for i, name := range m.columns {
		if at := slices.Index(columns, name); at >= 0 && at < len(cells) {
			out[i] = cells[at]
		}
	}
	return out
}

// result is the sum. It has no resource version, for there is none that all clusters share, and is complete.
func (m *merged) result() map[string]any {
	m.list["metadata"] = map[string]any{}
	m.list[m.field] = m.items
	if m.items == nil {
		m.list[m.field] = []any{}
	}
	if definitions, ok := m.list["columnDefinitions"].([]any); ok {
		m.list["columnDefinitions"] = append(definitions, map[string]any{
			"name": "Cluster", "type": "string", "format": "", "description": "The cluster that the object comes from.", "priority": 0,
		})
	}
	return m.list
}
