// Written by `jco guest-types wit --world-name sampling-policy` from wit/policy.wit.
declare module 'tailsieve:policy/sampling-policy@1.0.0' {
  export type Trace = import('tailsieve:policy/host@1.0.0').Trace;
  export type Verdict = import('tailsieve:policy/host@1.0.0').Verdict;
  /**
  * Called once in every instance, before anything else, with the policy's `config` as JSON: `null` where there is
  * none. It has 100 times the time of a call. An error is shown at the policy's place in its file, which is then not used;
  * so it is the place for everything that may be wrong with a configuration.
  */
  export function configure(config: string): void;
  /**
  * Called for every trace to decide about, once; and once more whenever somebody asks what would become of a trace
  * that is still waiting.
  */
  export function evaluate(trace: Trace): Verdict;
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}
declare module 'tailsieve:policy/host@1.0.0' {
  /**
   * Writes a line into Tailsieve's log, where the policy's name goes with it; `tailsieve explain` shows the last ones
   * beside the verdict. At most 16 lines of at most 512 bytes are taken in a call, and at most 10 a second of a
   * plugin are written; the others are counted. Not for finding out what happens in production: for that, the metrics.
   */
  export function log(level: Level, message: string): void;
  /**
   * What is to become of a trace.
   */
  export type Verdict = VerdictAbstain | VerdictSample | VerdictNotSample | VerdictDrop | VerdictSampleWithProbability;
  /**
   * Nothing to say: the other policies decide, as if this one were not there.
   * 
   * Within `and` and `drop` it is as `not-sample`; within `not` it stays `abstain`.
   */
  export interface VerdictAbstain {
    tag: 'abstain',
  }
  /**
   * Keep it.
   */
  export interface VerdictSample {
    tag: 'sample',
  }
  /**
   * No reason to keep it. Other policies may have one. Within `not` it becomes `sample`.
   */
  export interface VerdictNotSample {
    tag: 'not-sample',
  }
  /**
   * Drop it, whatever other policies say.
   */
  export interface VerdictDrop {
    tag: 'drop',
  }
  /**
   * Keep it with this probability, from 0 to 1: `sample` for exactly the traces that a policy of type
   * `probabilistic` keeps at 100 times as many per cent, `not-sample` for the others. Anything below 0 or above 1,
   * and NaN, is a failed call.
   */
  export interface VerdictSampleWithProbability {
    tag: 'sample-with-probability',
    val: number,
  }
  /**
   * Whose attributes are looked at. As `scope` of the attribute policies in policy files.
   * # Variants
   * 
   * ## `"any"`
   * 
   * Those of every span and of every resource.
   * ## `"root"`
   * 
   * Those of the spans without a parent, and of their resources.
   * ## `"resource"`
   * 
   * Those of every resource.
   */
  export type Scope = 'any' | 'root' | 'resource';
  /**
   * What a span's status says.
   * # Variants
   * 
   * ## `"unset"`
   * 
   * ## `"ok"`
   * 
   * ## `"error"`
   */
  export type Status = 'unset' | 'ok' | 'error';
  /**
   * What kind of operation a span is.
   * # Variants
   * 
   * ## `"unspecified"`
   * 
   * ## `"internal"`
   * 
   * ## `"server"`
   * 
   * ## `"client"`
   * 
   * ## `"producer"`
   * 
   * ## `"consumer"`
   */
  export type Kind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /**
   * How much a line of the log matters.
   * # Variants
   * 
   * ## `"debug"`
   * 
   * ## `"info"`
   * 
   * ## `"warn"`
   * 
   * ## `"error"`
   */
  export type Level = 'debug' | 'info' | 'warn' | 'error';
  
  export class Spans implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * Goes on to the next span. False when there is no more.
    */
    next(): boolean;
    /**
    * Goes to the span of this number, from 0. False, and no current span, when there is none.
    */
    seek(index: number): boolean;
    /**
    * The current span's number, from 0. Without a current span: how many spans there are.
    */
    index(): number;
    /**
    * The number of the current span's parent, where it is in the trace. The first time this reads the IDs of all.
    */
    parent(): number | undefined;
    /**
    * Whether it has no parent, in the trace or elsewhere.
    */
    isRoot(): boolean;
    /**
    * 16 hexadecimal digits, lower case.
    */
    id(): string;
    /**
    * The parent's ID, likewise; empty of a root.
    */
    parentId(): string;
    /**
    * Its name.
    */
    name(): string;
    /**
    * Its kind.
    */
    kind(): Kind;
    /**
    * Its status. What is no status that OpenTelemetry knows is `unset`.
    */
    status(): Status;
    /**
    * The text that came with the status.
    */
    statusMessage(): string;
    /**
    * In nanoseconds since the Unix epoch; 0 where it was not sent.
    */
    startUnixNs(): bigint;
    /**
    * Likewise.
    */
    endUnixNs(): bigint;
    /**
    * From start to end in milliseconds with their fractions; 0 where it ends before it starts.
    */
    durationMs(): number;
    /**
    * `service.name` of its resource; empty without one.
    */
    service(): string;
    /**
    * The name of its instrumentation scope.
    */
    scopeName(): string;
    /**
    * Whether it has an attribute of this key itself.
    */
    hasAttribute(key: string): boolean;
    /**
    * The text of an attribute of its own. A string is its own text; integers, doubles and booleans are written as JSON
    * writes them; arrays, maps and bytes have none.
    */
    attribute(key: string): string | undefined;
    /**
    * The number of an attribute of its own: an integer or a double. A string of digits is none.
    */
    attributeNumber(key: string): number | undefined;
    /**
    * As `attribute`, of its resource.
    */
    resourceAttribute(key: string): string | undefined;
    /**
    * How many events of this name it has, such as `exception`.
    */
    eventCount(name: string): number;
    [Symbol.dispose](): void;
  }
  
  export class Trace implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * 32 hexadecimal digits, lower case.
    */
    id(): string;
    /**
    * How many spans, at least 1.
    */
    spanCount(): number;
    /**
    * How many of them have the status `error`.
    */
    errorCount(): number;
    /**
    * Whether any has. The same as `error-count() > 0`.
    */
    hasError(): boolean;
    /**
    * Bytes of all spans as they were received, without resources and scopes. 4294967295 stands for more.
    */
    sizeBytes(): number;
    /**
    * From the earliest start to the latest end of the spans that have both, in milliseconds with their fractions; 0
    * where the trace ends before it starts.
    */
    durationMs(): number;
    /**
    * The earliest start of the spans that have start and end, in nanoseconds since the Unix epoch; 0 without one.
    */
    startUnixNs(): bigint;
    /**
    * The latest end of those, likewise.
    */
    endUnixNs(): bigint;
    /**
    * The root's name. Reads every span once, as does `root-service`; the second call is free.
    */
    rootName(): string | undefined;
    /**
    * `service.name` of the root's resource.
    */
    rootService(): string | undefined;
    /**
    * All `service.name`s, each once, in the order of their bytes; the first 256. Reads every resource.
    */
    services(): Array<string>;
    /**
    * Whether an attribute of this key is there. Reads spans until one is found, as do the following.
    */
    hasAttribute(scope: Scope, key: string): boolean;
    /**
    * Whether an attribute's text is this one. `spans.attribute` says what the text of a number is.
    */
    attributeEquals(scope: Scope, key: string, value: string): boolean;
    /**
    * Whether an attribute's text begins so.
    */
    attributeStartsWith(scope: Scope, key: string, prefix: string): boolean;
    /**
    * The greatest number (integer or double, NaN left out) among the attributes of this key; none without a number.
    */
    attributeMax(scope: Scope, key: string): number | undefined;
    /**
    * The least, likewise.
    */
    attributeMin(scope: Scope, key: string): number | undefined;
    /**
    * The text of an attribute of the root, or else of its resource. What a route or a tenant is found with.
    */
    rootAttribute(key: string): string | undefined;
    /**
    * A cursor before the first span. Several may be had at a time, up to 1,000 in one call; beyond that the call
    * fails. Drop it before the call ends: it is of no use afterwards, whatever it is asked then fails the call.
    */
    spans(): Spans;
    /**
    * The escape hatch: all spans with their resources and scopes as an OTLP `TracesData`, encoded by protobuf. It
    * copies the whole trace into the plugin's memory.
    */
    otlpBytes(): Uint8Array;
    [Symbol.dispose](): void;
  }
}
