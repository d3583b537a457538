/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy_test

import (
	"maps"
	"strings"
	"testing"
)

// What a rule changes. It is the same in the deprecated form.
func TestAdmissionOfOverriders(t *testing.T) {
	t.Parallel()
	run(t, overriders("spec.overrideRules[0].overriders", `{overrideRules: [{overriders: {%}}]}`))
	run(t, overriders("spec.overriders", `{overrideRules: null, overriders: {%}}`))
}

// overriders are requests about what is put into % of a spec, at that path.
func overriders(path, spec string) map[string]request {
	out := map[string]request{}
	for _, table := range []map[string]struct{ say, refused string }{plaintextAndImages, keysAndArguments, fieldOverriders} {
		for name, c := range maps.All(table) {
			r := request{kinds: overrideKinds, spec: strings.ReplaceAll(spec, "%", c.say)}
			if c.refused != "" {
				r.refused = []string{path + "." + c.refused}
			}
			out[path+" "+name] = r
		}
	}
	return out
}

var plaintextAndImages = map[string]struct{ say, refused string }{
	"nothing":                      {say: ``},
	"plaintext replace":            {say: `plaintext: [{path: /spec/replicas, operator: replace, value: 3}]`},
	"plaintext add":                {say: `plaintext: [{path: /metadata/annotations/a~1b~0c, operator: add, value: x}]`},
	"plaintext remove":             {say: `plaintext: [{path: /spec/template/spec/containers/0/args/-, operator: remove}]`},
	"plaintext add of null":        {say: `plaintext: [{path: /spec/a, operator: add}]`},
	"plaintext without path":       {say: `plaintext: [{operator: add, value: 1}]`, refused: `plaintext[0].path: a JSON pointer, such as /spec/replicas`},
	"plaintext path in dots":       {say: `plaintext: [{path: spec.replicas, operator: add, value: 1}]`, refused: `plaintext[0].path: begins with a slash, as in /spec/replicas`},
	"plaintext path, bare tilde":   {say: `plaintext: [{path: /a~, operator: add, value: 1}]`, refused: `plaintext[0].path: ~ stands before 0 or 1 only`},
	"plaintext path, bad escape":   {say: `plaintext: [{path: /a~2, operator: add, value: 1}]`, refused: `plaintext[0].path: ~ stands before 0 or 1 only`},
	"plaintext without operator":   {say: `plaintext: [{path: /a, value: 1}]`, refused: `plaintext[0].operator: one of ["add" "remove" "replace"]`},
	"plaintext move":               {say: `plaintext: [{path: /a, operator: remove}, {path: /a, operator: move}]`, refused: `plaintext[1].operator: supported values: "add", "remove", "replace"`},
	"plaintext Add":                {say: `plaintext: [{path: /a, operator: Add}]`, refused: `plaintext[0].operator: supported values: "add", "remove", "replace"`},
	"image":                        {say: `imageOverrider: [{component: Registry, operator: add, value: a}, {component: Repository, operator: replace, value: b}, {component: Tag, operator: remove}]`},
	"image at a path":              {say: `imageOverrider: [{predicate: {path: /spec/image}, component: Tag, operator: replace, value: "1"}]`},
	"image without component":      {say: `imageOverrider: [{operator: add, value: a}]`, refused: `imageOverrider[0].component: one of ["Registry" "Repository" "Tag"]`},
	"image component unknown":      {say: `imageOverrider: [{component: Digest, operator: add, value: a}]`, refused: `imageOverrider[0].component: supported values: "Registry", "Repository", "Tag"`},
	"image without operator":       {say: `imageOverrider: [{component: Tag, value: a}]`, refused: `imageOverrider[0].operator: one of ["add" "remove" "replace"]`},
	"image operator unknown":       {say: `imageOverrider: [{component: Tag, operator: set, value: a}]`, refused: `imageOverrider[0].operator: supported values: "add", "remove", "replace"`},
	"image predicate without path": {say: `imageOverrider: [{predicate: {}, component: Tag, operator: add, value: a}]`, refused: `imageOverrider[0].predicate.path: a JSON pointer`},
	"image predicate malformed":    {say: `imageOverrider: [{predicate: {path: spec/image}, component: Tag, operator: add, value: a}]`, refused: `imageOverrider[0].predicate.path: begins with a slash`},
}

var keysAndArguments = map[string]struct{ say, refused string }{
	"command":                   {say: `commandOverrider: [{containerName: c, operator: add, value: [--a]}, {containerName: c, operator: remove, value: [--b]}]`},
	"command without container": {say: `commandOverrider: [{operator: add, value: [--a]}]`, refused: `commandOverrider[0].containerName: the name of the container`},
	"command replace":           {say: `commandOverrider: [{containerName: c, operator: replace, value: [--a]}]`, refused: `commandOverrider[0].operator: supported values: "add", "remove"`},
	"command without operator":  {say: `commandOverrider: [{containerName: c}]`, refused: `commandOverrider[0].operator: one of ["add" "remove"]`},
	"args":                      {say: `argsOverrider: [{containerName: c, operator: add}]`},
	"args without container":    {say: `argsOverrider: [{containerName: "", operator: add}]`, refused: `argsOverrider[0].containerName: the name of the container`},
	"args replace":              {say: `argsOverrider: [{containerName: c, operator: replace}]`, refused: `argsOverrider[0].operator: supported values: "add", "remove"`},
	"labels":                    {say: `labelsOverrider: [{operator: add, value: {example.com/a: b}}, {operator: replace, value: {a: b}}, {operator: remove, value: {a: ""}}]`},
	"labels of none":            {say: `labelsOverrider: [{operator: add, value: {}}]`},
	"labels without value":      {say: `labelsOverrider: [{operator: add}]`, refused: `labelsOverrider[0].value: the keys to change and their values`},
	"labels without operator":   {say: `labelsOverrider: [{value: {a: b}}]`, refused: `labelsOverrider[0].operator: one of ["add" "remove" "replace"]`},
	"labels operator unknown":   {say: `labelsOverrider: [{operator: set, value: {a: b}}]`, refused: `labelsOverrider[0].operator: supported values`},
	"label value malformed":     {say: `labelsOverrider: [{operator: add, value: {a: b c}}]`, refused: `labelsOverrider[0].value: a valid label must be`},
	"label value too long":      {say: `labelsOverrider: [{operator: add, value: {a: ` + strings.Repeat("b", 64) + `}}]`, refused: `labelsOverrider[0].value: must be no more than 63`},
	"label key malformed":       {say: `labelsOverrider: [{operator: remove, value: {a b: c}}]`, refused: `labelsOverrider[0].value: must consist of alphanumeric`},
	"annotations":               {say: `annotationsOverrider: [{operator: add, value: {a: any text}}]`},
	"annotations without value": {say: `annotationsOverrider: [{operator: add}]`, refused: `annotationsOverrider[0].value: the keys to change`},
	"annotations operator":      {say: `annotationsOverrider: [{operator: set, value: {a: b}}]`, refused: `annotationsOverrider[0].operator: supported values: "add", "remove", "replace"`},
	"annotation key malformed":  {say: `annotationsOverrider: [{operator: add, value: {a b: c}}]`, refused: `annotationsOverrider[0].value: must consist of alphanumeric`},
	"annotations too large":     {say: `annotationsOverrider: [{operator: add, value: {a: ` + strings.Repeat("x", 256*1024) + `}}]`, refused: `annotationsOverrider[0].value: may not be more than 262144 bytes`},
}

var fieldOverriders = map[string]struct{ say, refused string }{
	"field json":                 {say: `fieldOverrider: [{fieldPath: /data/x, json: [{subPath: /a, operator: add, value: {b: 1}}, {subPath: /b, operator: remove}]}]`},
	"field yaml":                 {say: `fieldOverrider: [{fieldPath: /data/x.yaml, yaml: [{subPath: /a, operator: replace, value: text}]}]`},
	"field without path":         {say: `fieldOverrider: [{json: [{subPath: /a, operator: remove}]}]`, refused: `fieldOverrider[0].fieldPath: a JSON pointer`},
	"field path malformed":       {say: `fieldOverrider: [{fieldPath: data, json: [{subPath: /a, operator: remove}]}]`, refused: `fieldOverrider[0].fieldPath: begins with a slash`},
	"field of neither":           {say: `fieldOverrider: [{fieldPath: /data/x}]`, refused: `fieldOverrider[0]: either json or yaml, with the changes`},
	"field of two empty":         {say: `fieldOverrider: [{fieldPath: /data/x, json: [], yaml: []}]`, refused: `fieldOverrider[0]: either json or yaml`},
	"field of both":              {say: `fieldOverrider: [{fieldPath: /data/x, json: [{subPath: /a, operator: remove}], yaml: [{subPath: /a, operator: remove}]}]`, refused: `fieldOverrider[0].yaml: must not be combined with json`},
	"field json without subPath": {say: `fieldOverrider: [{fieldPath: /data/x, json: [{operator: remove}]}]`, refused: `fieldOverrider[0].json[0].subPath: a JSON pointer`},
	"field json subPath":         {say: `fieldOverrider: [{fieldPath: /data/x, json: [{subPath: a, operator: remove}]}]`, refused: `fieldOverrider[0].json[0].subPath: begins with a slash`},
	"field yaml subPath":         {say: `fieldOverrider: [{fieldPath: /data/x, yaml: [{subPath: /a~b, operator: remove}]}]`, refused: `fieldOverrider[0].yaml[0].subPath: ~ stands before 0 or 1 only`},
	"field json operator":        {say: `fieldOverrider: [{fieldPath: /data/x, json: [{subPath: /a, operator: copy}]}]`, refused: `fieldOverrider[0].json[0].operator: supported values: "add", "remove", "replace"`},
	"field yaml operator":        {say: `fieldOverrider: [{fieldPath: /data/x, yaml: [{subPath: /a}]}]`, refused: `fieldOverrider[0].yaml[0].operator: one of ["add" "remove" "replace"]`},
	"field json add nothing":     {say: `fieldOverrider: [{fieldPath: /data/x, json: [{subPath: /a, operator: add}]}]`, refused: `fieldOverrider[0].json[0].value: what to add`},
	"field json replace nothing": {say: `fieldOverrider: [{fieldPath: /data/x, json: [{subPath: /a, operator: replace}]}]`, refused: `fieldOverrider[0].json[0].value: what to replace`},
	"field yaml add null":        {say: `fieldOverrider: [{fieldPath: /data/x, yaml: [{subPath: /a, operator: add, value: null}]}]`, refused: `fieldOverrider[0].yaml[0].value: what to add`},
	"field yaml replace nothing": {say: `fieldOverrider: [{fieldPath: /data/x, yaml: [{subPath: /a, operator: replace}]}]`, refused: `fieldOverrider[0].yaml[0].value: what to replace`},
	"field json remove a value":  {say: `fieldOverrider: [{fieldPath: /data/x, json: [{subPath: /a, operator: remove, value: 1}]}]`, refused: `fieldOverrider[0].json[0].value: remove takes none`},
	"field yaml remove a value":  {say: `fieldOverrider: [{fieldPath: /data/x, yaml: [{subPath: /a, operator: remove, value: 1}]}]`, refused: `fieldOverrider[0].yaml[0].value: remove takes none`},
}

// The two forms of an override policy.
func TestAdmissionOfOverridePolicies(t *testing.T) {
	t.Parallel()
	const lone = `overriders: {fieldOverrider: [{fieldPath: /data/x, json: [{subPath: /a, operator: remove}]}]}`
	const both = "must not be combined with overrideRules; make it one of the rules"
	entries := map[string]string{
		"plaintext":   `plaintext: [{path: /a, operator: remove}]`,
		"image":       `imageOverrider: [{component: Tag, operator: remove}]`,
		"command":     `commandOverrider: [{containerName: c, operator: add}]`,
		"args":        `argsOverrider: [{containerName: c, operator: add}]`,
		"labels":      `labelsOverrider: [{operator: add, value: {a: b}}]`,
		"annotations": `annotationsOverrider: [{operator: add, value: {a: b}}]`,
	}
	table := map[string]request{
		"nothing":             {kinds: overrideKinds, spec: `{overrideRules: null}`},
		"rules in order":      {kinds: overrideKinds, spec: `{overrideRules: [{overriders: {}}, {targetCluster: {}, overriders: {}}]}`, gives: `{spec: {overrideRules: [{overriders: {}}, {targetCluster: {}, overriders: {}}]}}`},
		"deprecated form":     {kinds: overrideKinds, spec: `{overrideRules: null, targetCluster: {clusterNames: [m1]}, ` + lone + `}`},
		"deprecated, no rule": {kinds: overrideKinds, spec: `{overrideRules: [], targetCluster: {}, ` + lone + `}`},
		"rules and target":    {kinds: overrideKinds, spec: `{targetCluster: {}}`, refused: []string{`spec.targetCluster: ` + both}},
		"rules and field":     {kinds: overrideKinds, spec: `{` + lone + `}`, refused: []string{`spec.overriders: ` + both}},
		"rules and empty":     {kinds: overrideKinds, spec: `{overriders: {}}`},
		"rules added": {kinds: overrideKinds, update: true, was: `{overrideRules: null, targetCluster: {}}`, spec: `{targetCluster: {}}`,
			refused: []string{`spec.targetCluster: ` + both}},
		"form changed": {kinds: overrideKinds, update: true, was: `{overrideRules: null, targetCluster: {}, ` + lone + `}`, gives: `{metadata: {generation: 2}, spec: {targetCluster: null}}`},
		"error in the second rule": {kinds: overrideKinds, spec: `{overrideRules: [{overriders: {}}, {overriders: {plaintext: [{path: x, operator: add}]}}]}`,
			refused: []string{`spec.overrideRules[1].overriders.plaintext[0].path: begins with a slash`}},
	}
	for name, entry := range entries {
		table["rules and "+name] = request{kinds: overrideKinds, spec: `{overriders: {` + entry + `}}`, refused: []string{`spec.overriders: ` + both}}
	}
	run(t, table)
}
