package context

import (
	"strings"
	"testing"
)

func problem(roots, orphans []string) string {
	trace := Trace{Ignored: []string{"edge"}}
	for _, service := range roots {
		trace.Root(service)
	}
	for _, service := range orphans {
		trace.Orphan(service)
	}
	return trace.Problem()
}

func TestAWholeTraceHasNoProblem(t *testing.T) {
	if found := problem([]string{"shop"}, nil); found != "" {
		t.Error(found)
	}
}

func TestMissingParentsAreToldByServiceWhateverTheOrder(t *testing.T) {
	want := "parents are missing of spans of cart, shop"
	for _, orphans := range [][]string{{"shop", "cart", "shop"}, {"cart", "shop"}} {
		if found := problem(nil, orphans); found != want {
			t.Error(found)
		}
	}
}

func TestSeveralRootsAreAProblem(t *testing.T) {
	if found := problem([]string{"shop", "job", "job"}, nil); found != "3 roots: job, shop" {
		t.Error(found)
	}
}

func TestServicesWithForeignCallersAreIgnored(t *testing.T) {
	if found := problem(nil, []string{"edge"}); found != "" {
		t.Error(found)
	}
}

func TestSettings(t *testing.T) {
	if settings, err := Parse("null"); err != nil || settings.Share != 1 {
		t.Error(settings, err)
	}
	for _, wrong := range []string{`{"share": 0}`, `{"share": 2}`, `{"shares": 1}`, "["} {
		if _, err := Parse(wrong); err == nil {
			t.Error(wrong)
		}
	}
}

func TestSettingsOfTheWrongKindAreToldWhatIsRight(t *testing.T) {
	for wrong, want := range map[string]string{
		"[5]":            "config is no mapping; write config: {share: 0.5}",
		"5":              "config is no mapping; write config: {share: 0.5}",
		`{"share": "x"}`: "share cannot be string",
	} {
		if _, err := Parse(wrong); err == nil || !strings.Contains(err.Error(), want) {
			t.Error(wrong, err)
		}
	}
}
