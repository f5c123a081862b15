//go:build wasm

// Keeps traces whose context got lost on the way: a service that forwards no traceparent, a queue that starts anew.
//
// This file reads traces; package context has the rules.
package main

import (
	"broken-context/context"

	"my-policy/tailsieve"
)

var settings context.Settings

func init() {
	tailsieve.Plugin.Configure = configure
	tailsieve.Plugin.Evaluate = evaluate
}

func main() {}

func configure(config string) (err error) {
	settings, err = context.Parse(config)
	return err
}

func evaluate(trace tailsieve.Trace) tailsieve.Verdict {
	if trace.SpanCount() > settings.SpansMax {
		return tailsieve.Abstain
	}
	found := context.Trace{Ignored: settings.IgnoredServices}
	spans := trace.Spans()
	defer spans.Drop()
	for spans.Next() {
		if spans.IsRoot() {
			found.Root(spans.Service())
		} else if _, isThere := spans.Parent(); !isThere {
			found.Orphan(spans.Service())
		}
	}
	problem := found.Problem()
	if problem == "" {
		return tailsieve.Abstain
	}
	tailsieve.Log(tailsieve.LevelInfo, problem)
	return tailsieve.SampleWithProbability(settings.Share)
}
