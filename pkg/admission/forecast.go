/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package admission

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/forecast"
	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/policy"
	"github.com/manifold-k8s/manifold/pkg/template"
)

// ForecastPlugin is the name of the plugin that Forecast is.
const ForecastPlugin = "ForecastDryRuns"

const (
	// forecastPatience is how long a dry run is held up at most. What was not looked at by then is counted.
	forecastPatience = 500 * time.Millisecond
	// forecastTemplates is how many templates are looked at for one write, some 0.2 ms each.
	forecastTemplates = 300
	// forecastFields is for how many clusters the fields of one template are compared, when the write is of that template
	// and when it is of a policy over many. It takes some 0.2 ms each.
	forecastFields, forecastFieldsEach = 100, 16
)

// forecastLimits keep an answer well within the 4,096 characters of warnings that an API server sends unabridged.
var forecastLimits = forecast.Limits{Lines: 10, Bytes: 250}

// ForecastConfig is what forecasts rest on.
type ForecastConfig struct {
	Policies  *policy.Store
	Bindings  *binding.Store
	Templates *template.Store
	Clusters  cache.SharedIndexInformer
	// Objects reads templates of kinds that nobody watches, which Mapper finds.
	Objects dynamic.Interface
	Mapper  meta.ResettableRESTMapper
	// Authorizer says which templates may be named to whom.
	Authorizer authorizer.Authorizer
	Skipped    match.Namespaces
	Clock      clock.PassiveClock
}

// Forecast answers dry runs of templates and policies with warnings that say what would change in the members. It refuses
// nothing and changes nothing.
type Forecast struct {
	*admission.Handler
	cfg atomic.Pointer[ForecastConfig]

	mu          sync.Mutex
	collections map[*request.RequestInfo]int // lines said in answer to requests that delete several objects
}

var _ admission.ValidationInterface = &Forecast{}

// NewForecast returns a plugin that can tell nothing until Use.
func NewForecast() *Forecast {
	return &Forecast{
		Handler:     admission.NewHandler(admission.Create, admission.Update, admission.Delete),
		collections: map[*request.RequestInfo]int{},
	}
}

// Register makes the plugin known under its name.
func (f *Forecast) Register(plugins *admission.Plugins) {
	plugins.Register(ForecastPlugin, func(io.Reader) (admission.Interface, error) { return f, nil })
}

// Use gives the plugin what it rests on.
func (f *Forecast) Use(cfg ForecastConfig) { f.cfg.Store(&cfg) }

// Validate implements admission.ValidationInterface.
func (f *Forecast) Validate(ctx context.Context, a admission.Attributes, o admission.ObjectInterfaces) error {
	if !a.IsDryRun() || !foreseen(a) || f.said(ctx) {
		return nil
	}
	cfg := f.cfg.Load()
	if cfg == nil || !cfg.synced() {
		f.say(ctx, []string{"what this would change in member clusters cannot be told yet: the server is still reading what it has stored"})
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, forecastPatience)
	defer cancel()
	lines, err := cfg.tell(bounded, a, o)
	if err != nil {
		lines = append(lines, fmt.Sprintf("what this would change in member clusters cannot be told: %v", err))
	}
	f.say(ctx, lines)
	return nil
}

// foreseen reports whether a write may concern members in a way that can be told.
func foreseen(a admission.Attributes) bool {
	switch a.GetSubresource() {
	case "":
	case scale:
		return true
	default:
		return false
	}
	switch gvk := schema.GroupVersionKind(a.GetKind()); gvk.GroupKind() {
	case policyv1alpha1.Kind(match.KindOverridePolicy), policyv1alpha1.Kind(match.KindClusterOverridePolicy):
		return true
	default:
		obj, err := meta.Accessor(a.GetObject())
		if err != nil { // a deletion has none
			obj, err = meta.Accessor(a.GetOldObject())
		}
		return err == nil && leadsToMembers(gvk, obj)
	}
}

// scale is the subresource.
const scale = "scale"

func (c *ForecastConfig) synced() bool {
	return c.Policies.HasSynced() && c.Bindings.HasSynced() && c.Clusters.HasSynced()
}

// tell returns the lines of an answer. With an error, they are not all.
func (c *ForecastConfig) tell(ctx context.Context, a admission.Attributes, o admission.ObjectInterfaces) ([]string, error) {
	s := &survey{
		cfg: c, attributes: a, clusters: local.All[*clusterv1alpha1.Cluster](c.Clusters.GetStore()),
		rights: rights{authorizer: c.Authorizer, user: a.GetUserInfo()},
	}
	var err error
	switch gk := schema.GroupKind(a.GetKind().GroupKind()); {
	case a.GetSubresource() == scale:
		err = s.scale(o)
	case gk == policyv1alpha1.Kind(match.KindPropagationPolicy), gk == policyv1alpha1.Kind(match.KindClusterPropagationPolicy):
		err = s.propagation(ctx)
	case gk == policyv1alpha1.Kind(match.KindOverridePolicy), gk == policyv1alpha1.Kind(match.KindClusterOverridePolicy):
		err = s.override(ctx)
	default:
		err = s.template(o)
	}
	return forecast.Text(s.changes, s.rest, forecastLimits), err
}

// survey is the work on one dry run.
type survey struct {
	cfg        *ForecastConfig
	attributes admission.Attributes
	clusters   []*clusterv1alpha1.Cluster
	rights     rights

	changes []forecast.Change
	rest    forecast.Rest
}

// look adds what becomes of one template.
func (s *survey) look(c forecast.Case) *forecast.Change {
	c.Clusters, c.Skipped, c.Now = s.clusters, s.cfg.Skipped, s.cfg.Clock.Now()
	s.changes = append(s.changes, forecast.Of(c))
	return &s.changes[len(s.changes)-1]
}

// say puts lines into the answer. A request that deletes several objects comes here for each of them; it gets no more lines
// than any other.
func (f *Forecast) say(ctx context.Context, lines []string) {
	several := deletesSeveral(ctx)
	for _, line := range lines {
		said := 0
		if several != nil {
			said = f.count(ctx, several)
		}
		switch {
		case said < forecastLimits.Lines:
			warning.AddWarning(ctx, "", line)
		case said == forecastLimits.Lines:
			warning.AddWarning(ctx, "", "more templates would change, which are not told one by one")
		}
	}
}

// said reports whether a request has got all lines that it may get.
func (f *Forecast) said(ctx context.Context) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	several := deletesSeveral(ctx)
	return several != nil && f.collections[several] > forecastLimits.Lines
}

// deletesSeveral returns the request if it is one that deletes a collection, else nil.
func deletesSeveral(ctx context.Context) *request.RequestInfo {
	if info, ok := request.RequestInfoFrom(ctx); ok && info.Verb == "deletecollection" {
		return info
	}
	return nil
}

// count returns how often it was called before for a request.
func (f *Forecast) count(ctx context.Context, info *request.RequestInfo) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	said, known := f.collections[info]
	f.collections[info]++
	if !known {
		context.AfterFunc(ctx, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.collections, info)
		})
	}
	return said
}
