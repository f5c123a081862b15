// The policy: keeps traces that cross many services, which is where things go wrong between teams.
//
// It imports nothing of Tailsieve, so `npm test` tests it without one.

/** `config` of the policy file. */
export interface Settings {
  /** Traces of as many services or more are kept. */
  min_services: number;
  /** Failed traces need this many only. */
  min_services_of_errors?: number;
}

const KNOWN = ["min_services", "min_services_of_errors"];

/** Reads JSON; throws a string that says what is wrong. */
export function parse(json: string): Settings {
  const config = JSON.parse(json);
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw "config is no mapping; write config: {min_services: 4}";
  }
  const unknown = Object.keys(config).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) {
    throw `unknown setting ${unknown}; there are ${KNOWN.join(", ")}`;
  }
  if (!Number.isInteger(config.min_services) || config.min_services < 2) {
    throw "min_services is a number of at least 2: every trace has one";
  }
  if (!Number.isInteger(config.min_services_of_errors ?? 0)) {
    throw "min_services_of_errors is no number";
  }
  return config;
}

/** The verdict on a trace. */
export function decide(settings: Settings, services: number, hasError: boolean): "sample" | "abstain" {
  const ofErrors = hasError ? settings.min_services_of_errors : undefined;
  return services >= (ofErrors ?? settings.min_services) ? "sample" : "abstain";
}
