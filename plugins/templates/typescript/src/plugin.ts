// Where Tailsieve calls: reads what the policy needs to know of a trace. What it makes of that is in `policy.ts`.

import { log, type Trace, type Verdict } from "tailsieve:policy/host@1.0.0";
import { decide, parse, type Settings } from "./policy";

let settings: Settings;

/** Called once. A string that is thrown is shown at the policy's place in its file. */
export function configure(config: string): void {
  settings = parse(config);
}

export function evaluate(trace: Trace): Verdict {
  const services = trace.services().length;
  const verdict = decide(settings, services, trace.hasError());
  if (verdict === "sample") {
    log("debug", `${services} services`);
  }
  return { tag: verdict };
}
