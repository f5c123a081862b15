// Which children of a span are similar, and how many are too many.

const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];

/** `config` of the policy file, all of it optional. */
export interface Settings {
  /** So many similar children are too many. */
  repeats: number;
  /** They count only if they take so long together. */
  total_ms: number;
  /** Kinds of spans that count. */
  kinds: string[];
  /** Attributes that say what a span does, the first that is there; else its name does. */
  attributes: string[];
  /** Larger traces are left to other policies: reading them takes too long. */
  spans_max: number;
}

const DEFAULTS: Settings = {
  repeats: 10,
  total_ms: 0,
  kinds: ["client"],
  attributes: ["db.query.text", "db.statement"],
  spans_max: 200,
};

/** A span's similar children. */
export interface Repetition {
  service: string;
  operation: string;
  count: number;
  totalMs: number;
}

/** Reads JSON; throws a string that says what is wrong. */
export function parse(json: string): Settings {
  const config = JSON.parse(json) ?? {};
  if (typeof config !== "object" || Array.isArray(config)) {
    throw "config is no mapping; write config: {repeats: 10}";
  }
  for (const [key, value] of Object.entries(config)) {
    const known = DEFAULTS[key as keyof Settings];
    if (known === undefined) {
      throw `unknown setting ${key}; there are ${Object.keys(DEFAULTS).join(", ")}`;
    }
    const isRight = Array.isArray(known)
      ? Array.isArray(value) && value.every((item) => typeof item === "string")
      : typeof value === "number" && value >= 0;
    if (!isRight) {
      throw `${key} is no ${Array.isArray(known) ? "list of texts" : "number from 0"}`;
    }
  }
  const settings: Settings = { ...DEFAULTS, ...config };
  if (settings.repeats < 2) {
    throw "repeats is at least 2: one is no repetition";
  }
  const wrong = settings.kinds.find((kind) => !KINDS.includes(kind));
  if (wrong !== undefined) {
    throw `kinds: there is no ${wrong}; there are ${KINDS.join(", ")}`;
  }
  return settings;
}

/** Counts the similar children of each span. */
export class Repetitions {
  private readonly groups = new Map<string, Repetition>();

  constructor(private readonly settings: Settings) {}

  add(parent: number, service: string, operation: string, ms: number): void {
    const similar = withoutValues(operation);
    const key = `${parent}\n${service}\n${similar}`;
    const group = this.groups.get(key) ?? { service, operation: similar, count: 0, totalMs: 0 };
    group.count += 1;
    group.totalMs += ms;
    this.groups.set(key, group);
  }

  /** The one that takes longest of those that are too many. */
  worst(): Repetition | undefined {
    const { repeats, total_ms } = this.settings;
    let worst: Repetition | undefined;
    for (const group of this.groups.values()) {
      const isTooMany = group.count >= repeats && group.totalMs >= total_ms;
      if (isTooMany && (worst === undefined || group.totalMs > worst.totalMs)) {
        worst = group;
      }
    }
    return worst;
  }
}

/** An operation without the values in it: `id = 17` is `id = ?`, `IN (1, 2, 3)` is `IN (?)`, `/users/17` is `/users/?`. */
export function withoutValues(operation: string): string {
  return operation
    .replace(/'(?:[^']|'')*'/g, "?")
    .replace(/\b0x[0-9a-f]+\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b\d+(?:\.\d+)?\b/gi, "?")
    .replace(/\?(?:\s*,\s*\?)+/g, "?")
    .replace(/\s+/g, " ");
}
