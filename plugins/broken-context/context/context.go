// Package context says what is wrong with a trace whose context got lost on the way.
package context

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Settings are the `config` of the policy file, all of it optional.
type Settings struct {
	// Share of the broken traces that is kept.
	Share float64 `json:"share"`
	// IgnoredServices may be without a parent: their callers are elsewhere and send no spans.
	IgnoredServices []string `json:"ignored_services"`
	// SpansMax: larger traces are left to other policies.
	SpansMax uint32 `json:"spans_max"`
}

// Parse reads JSON. The error is shown at the policy's place in its file.
func Parse(text string) (Settings, error) {
	settings := Settings{Share: 1, SpansMax: 10_000}
	if trimmed := strings.TrimSpace(text); trimmed != "null" && !strings.HasPrefix(trimmed, "{") {
		return settings, errors.New("config is no mapping; write config: {share: 0.5}")
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&settings); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return settings, fmt.Errorf("%s cannot be %s", wrong.Field, wrong.Value)
		}
		return settings, err
	}
	if settings.Share <= 0 || settings.Share > 1 {
		return settings, errors.New("share is above 0 and at most 1")
	}
	return settings, nil
}

// A Trace is what has been seen of one.
type Trace struct {
	// Ignored services never count.
	Ignored []string
	roots   []string
	orphans []string
}

// Root adds a span without a parent.
func (t *Trace) Root(service string) {
	t.roots = append(t.roots, service)
}

// Orphan adds a span whose parent is not there.
func (t *Trace) Orphan(service string) {
	if !slices.Contains(t.Ignored, service) && !slices.Contains(t.orphans, service) {
		t.orphans = append(t.orphans, service)
	}
}

// Problem says what is wrong; nothing where nothing is. Whatever the order of spans, it is the same.
func (t *Trace) Problem() string {
	slices.Sort(t.orphans)
	slices.Sort(t.roots)
	switch {
	case len(t.orphans) > 0:
		return "parents are missing of spans of " + strings.Join(t.orphans, ", ")
	case len(t.roots) > 1:
		return fmt.Sprintf("%d roots: %s", len(t.roots), strings.Join(slices.Compact(t.roots), ", "))
	}
	return ""
}
