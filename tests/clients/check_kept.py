"""Checks that what a client exported is in the file exporter's output: every span exactly once, with all it had.

How to run (run.sh does it; standard library only):
    python3 check_kept.py KEPT_FOLDER EXPECTED.json          spans written down by sdk_client.py or sdk_client.js
    python3 check_kept.py KEPT_FOLDER --service NAME N       N spans of a service, no two with the same IDs

The folder must hold the spans of this one client only. Waits up to 30 s for them.
"""

import glob
import json
import sys
import time


def attributes_of(holder):
    return {each["key"]: each["value"] for each in holder.get("attributes", [])}


def kept_spans(folder):
    spans = []
    for path in sorted(glob.glob(f"{folder}/kept-*.otlp.jsonl")):
        with open(path, encoding="utf-8") as file:
            # A line without its end is still being written.
            lines = [line for line in file if line.endswith("\n")]
        for request in map(json.loads, lines):
            for resource_spans in request["resourceSpans"]:
                resource = attributes_of(resource_spans.get("resource", {}))
                for scope_spans in resource_spans["scopeSpans"]:
                    scope = scope_spans.get("scope", {}).get("name", "")
                    spans += [as_expected(span, resource, scope) for span in scope_spans["spans"]]
    return spans


def as_expected(span, resource, scope):
    return {
        "traceId": span["traceId"],
        "spanId": span["spanId"],
        "parentSpanId": span.get("parentSpanId", ""),
        "name": span["name"],
        "kind": span.get("kind", 0),
        "status": span.get("status", {}).get("code", 0),
        "startTimeUnixNano": span["startTimeUnixNano"],
        "endTimeUnixNano": span["endTimeUnixNano"],
        "attributes": attributes_of(span),
        "events": [event["name"] for event in span.get("events", [])],
        "links": [link["spanId"] for link in span.get("links", [])],
        "resource": resource,
        "scope": scope,
    }


def key(span):
    return (span["traceId"], span["spanId"])


def main():
    folder, *what = sys.argv[1:]
    if what[0] == "--service":
        service, count, wanted = what[1], int(what[2]), None
    else:
        with open(what[0], encoding="utf-8") as file:
            wanted = json.load(file)
        count = len(wanted)
    for _ in range(300):
        kept = kept_spans(folder)
        if len(kept) >= count:
            break
        time.sleep(0.1)
    problems = []
    if len(kept) != count:
        problems.append(f"{len(kept)} spans were kept, {count} were exported")
    if len({key(span) for span in kept}) != len(kept):
        problems.append("a span is there more than once")
    if wanted is None:
        strangers = sum(span["resource"].get("service.name") != {"stringValue": service} for span in kept)
        if strangers:
            problems.append(f"{strangers} spans are not of service {service}")
    else:
        by_key = {key(span): span for span in kept}
        for span in wanted:
            found = by_key.get(key(span))
            if found != span:
                problems.append(f"exported {span}\n  kept {found}")
    for problem in problems[:3]:
        print(problem[:1000])
    print(f"{len(kept)} spans kept, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
