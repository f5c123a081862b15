//go:build wasm

// Where Tailsieve calls: reads what the policy needs to know of a trace. What it makes of that is in package policy.
package main

import (
	"fmt"

	"my-policy/policy"
	"my-policy/tailsieve"
)

var settings policy.Settings

func init() {
	tailsieve.Plugin.Configure = configure
	tailsieve.Plugin.Evaluate = evaluate
}

func main() {}

func configure(config string) (err error) {
	settings, err = policy.Parse(config)
	return err
}

func evaluate(trace tailsieve.Trace) tailsieve.Verdict {
	services := len(trace.Services())
	if !policy.Keeps(settings, services, trace.HasError()) {
		return tailsieve.Abstain
	}
	tailsieve.Log(tailsieve.LevelDebug, fmt.Sprintf("%d services", services))
	return tailsieve.Sample
}
