// Package policy keeps traces that cross many services, which is where things go wrong between teams.
//
// It imports nothing of Tailsieve, so `go test ./policy` tests it without one.
package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Settings are the `config` of the policy file.
type Settings struct {
	// MinServices: traces of as many services or more are kept.
	MinServices int `json:"min_services"`
	// MinServicesOfErrors: failed traces need this many only.
	MinServicesOfErrors int `json:"min_services_of_errors"`
}

// Parse reads JSON. The error is shown at the policy's place in its file.
func Parse(text string) (Settings, error) {
	var settings Settings
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return settings, errors.New("config is no mapping; write config: {min_services: 4}")
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&settings); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return settings, fmt.Errorf("%s is a whole number, not %s", wrong.Field, wrong.Value)
		}
		return settings, err
	}
	if settings.MinServices < 2 {
		return settings, errors.New("min_services is at least 2: every trace has one")
	}
	if settings.MinServicesOfErrors == 0 {
		settings.MinServicesOfErrors = settings.MinServices
	}
	return settings, nil
}

// Keeps says whether a trace is kept.
func Keeps(settings Settings, services int, hasError bool) bool {
	if hasError {
		return services >= settings.MinServicesOfErrors
	}
	return services >= settings.MinServices
}
