// Keeps traces in which one span has many similar children: a query in a loop, where one query would do.
//
// This file reads traces; `repetition.ts` says which children are similar and how many are too many.

import { log, type Kind, type Spans, type Trace, type Verdict } from "tailsieve:policy/host@1.0.0";
import { Repetitions, type Settings, parse } from "./repetition";

let settings: Settings;
let kinds: Set<Kind>;

/** Called once. A string that is thrown is shown at the policy's place in its file. */
export function configure(config: string): void {
  settings = parse(config);
  kinds = new Set(settings.kinds as Kind[]);
}

export function evaluate(trace: Trace): Verdict {
  const spans = trace.spanCount();
  // One of them is the parent.
  if (spans <= settings.repeats || spans > settings.spans_max) {
    return { tag: "abstain" };
  }
  const cursor = trace.spans();
  try {
    return judge(cursor);
  } finally {
    cursor[Symbol.dispose]();
  }
}

function judge(cursor: Spans): Verdict {
  const repetitions = new Repetitions(settings);
  while (cursor.next()) {
    if (!kinds.has(cursor.kind())) {
      continue;
    }
    const parent = cursor.parent();
    if (parent !== undefined) {
      repetitions.add(parent, cursor.service(), operation(cursor), cursor.durationMs());
    }
  }
  const worst = repetitions.worst();
  if (worst === undefined) {
    return { tag: "abstain" };
  }
  const { count, totalMs, service, operation: what } = worst;
  log("info", `${count} times, ${totalMs.toFixed(1)} ms: ${service} ${what}`);
  return { tag: "sample" };
}

/** What a span does: its query if it has one, else its name. */
function operation(cursor: Spans): string {
  for (const key of settings.attributes) {
    const text = cursor.attribute(key);
    if (text !== undefined) {
      return text;
    }
  }
  return cursor.name();
}
