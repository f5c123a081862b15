package policy

import (
	"strings"
	"testing"
)

func keeps(t *testing.T, services int, hasError bool) bool {
	t.Helper()
	settings, err := Parse(`{"min_services": 4, "min_services_of_errors": 2}`)
	if err != nil {
		t.Fatal(err)
	}
	return Keeps(settings, services, hasError)
}

func TestWideTracesAreKept(t *testing.T) {
	if !keeps(t, 4, false) || keeps(t, 3, false) {
		t.Error("four services are wide, three are not")
	}
}

func TestFailedTracesNeedFewerServices(t *testing.T) {
	if !keeps(t, 2, true) || keeps(t, 1, true) {
		t.Error("two services are wide where one failed")
	}
}

func TestSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, wrong := range []string{"null", "{}", `{"min_services": 1}`, `{"min_service": 4}`, "{"} {
		if _, err := Parse(wrong); err == nil {
			t.Error(wrong)
		}
	}
}

func TestSettingsOfTheWrongKindAreToldWhatIsRight(t *testing.T) {
	const right = "config is no mapping; write config: {min_services: 4}"
	for wrong, want := range map[string]string{
		"null":                  right,
		"[5]":                   right,
		"5":                     right,
		`{"min_services": "x"}`: "min_services is a whole number, not string",
	} {
		if _, err := Parse(wrong); err == nil || !strings.Contains(err.Error(), want) {
			t.Error(wrong, err)
		}
	}
}
