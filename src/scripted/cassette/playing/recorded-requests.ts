/** Holds the recorded requests of a session, and finds the one that matches a new request. */
import type { JsonObject } from "../../../core/json.js";
import type { Cleaner } from "../file/clean.js";
import { type CallEntry, isExchange, type ModelEntry, type RecordedExchange } from "../file/format.js";
import { messagesOf, normalisedBody, normalisedParams } from "../file/normalise.js";
import type { Recording } from "../file/read.js";
import { changeText, differences, distance, isAlike, isRedacted } from "./diff.js";

/** A request in a form in which requests can be compared. */
export interface ComparableRequest {
  /** The kind of the request, such as `llm openai` or `mcp fs tools/call`. */
  kind: string;
  /** The normalised request. */
  content: JsonObject;
  /**
   * The normalised request, not redacted. Undefined for recorded requests. It is needed because a text that is a secret on this machine may
   * not have been redacted in the recording.
   */
  unredacted?: JsonObject;
}

interface RecordedRequest extends ComparableRequest {
  entry: RecordedExchange;
  line: number;
  isUsed: boolean;
}

export class RecordedRequests {
  readonly #path: string;
  readonly #isStrict: boolean;
  readonly #recorded: RecordedRequest[];
  readonly #byKey = new Map<string, RecordedRequest[]>();
  readonly #redacted: (readonly [key: string, RecordedRequest])[];

  constructor(path: string, { entries, lines }: Recording, isStrict: boolean) {
    this.#path = path;
    this.#isStrict = isStrict;
    this.#recorded = entries.filter(isExchange).map((entry) => {
      const wanted = "llm" in entry ? modelRequestOf(entry.llm.provider, entry.request) : serverRequestOf(entry);
      if ("llm" in entry && entry.match) wanted.kind += byMessages;
      return { ...wanted, entry, line: lines.get(entry) ?? 0, isUsed: false };
    });
    for (const recorded of this.#recorded) {
      const same = this.#byKey.get(keyOf(recorded)) ?? [];
      this.#byKey.set(keyOf(recorded), [...same, recorded]);
    }
    this.#redacted = this.#recorded
      .map((recorded) => [keyOf(recorded), recorded] as const)
      .filter(([key]) => isRedacted(key));
  }

  get used(): number {
    return this.#recorded.filter(({ isUsed }) => isUsed).length;
  }

  /**
   * Finds the first unused entry that matches the request. `take` marks the entry as used. `isRepeated` is true if a further unused entry
   * also matches. Returns undefined if no entry matches.
   */
  find(wanted: ComparableRequest): { entry: RecordedExchange; isRepeated: boolean; take(): void } | undefined {
    const same = this.#answersTo(wanted).filter(({ isUsed }) => !isUsed);
    const [found] = same;
    if (!found || (this.#isStrict && found !== this.#next)) return undefined;
    const take = () => {
      found.isUsed = true;
    };
    return { entry: found.entry, isRepeated: same.length > 1, take };
  }

  /** Returns a message that says why no entry matches the request. */
  missOf(wanted: ComparableRequest): string {
    const what = `nothing recorded in ${this.#path} answers this request (${wanted.kind})`;
    const next = this.#next;
    if (this.#isStrict && next) return `${what}; the next one, line ${next.line}, is ${this.#compared(next, wanted)}`;
    if (this.#isStrict) return `${what}; all recorded requests are used`;
    const same = this.#answersTo(wanted);
    if (same.length > 0) {
      const lines = same.map(({ line }) => line).join(", ");
      return `${what} once more: line ${lines} did, and ${same.length === 1 ? "is" : "are"} used`;
    }
    const nearest = this.#nearestTo(wanted);
    return nearest ? `${what}; the nearest one, line ${nearest.line}, is ${this.#compared(nearest, wanted)}` : what;
  }

  /** Messages about the entries that were not used, with their line numbers. */
  get left(): string[] {
    return this.#recorded
      .filter(({ isUsed }) => !isUsed)
      .map(({ line, kind }) => `${this.#path}:${line}: this recorded request was not sent (${kind})`);
  }

  #answersTo(wanted: ComparableRequest): RecordedRequest[] {
    const { kind, unredacted = wanted.content } = wanted;
    const ways = [wanted, { kind, content: unredacted }].flatMap((each) => [keyOf(each), keyOf(reduced(each))]);
    const same = [...new Set(ways)].flatMap((key) => this.#byKey.get(key) ?? []);
    if (same.some(({ isUsed }) => !isUsed)) return same;
    const alike = this.#redacted.filter(
      ([key, recorded]) => !same.includes(recorded) && ways.some((way) => isAlike(key, way)),
    );
    return [...same, ...alike.map(([, recorded]) => recorded)];
  }

  get #next(): RecordedRequest | undefined {
    return this.#recorded.find(({ isUsed }) => !isUsed);
  }

  #compared({ kind, content }: RecordedRequest, whole: ComparableRequest): string {
    const wanted = kind.endsWith(byMessages) ? reduced(whole) : whole;
    if (kind !== wanted.kind) return `another one (${kind})`;
    const found = differences(content, wanted.content);
    return found.length === 0 ? "the same" : `different:\n${changeText(found)}`;
  }

  /** Returns the most similar entry of the same kind. Prefers unused entries. */
  #nearestTo(wanted: ComparableRequest): RecordedRequest | undefined {
    const loose = reduced(wanted);
    const alike = this.#recorded.filter(({ kind }) => kind === wanted.kind || kind === loose.kind);
    const free = alike.filter(({ isUsed }) => !isUsed);
    const [nearest] = (free.length > 0 ? free : alike)
      .map((recorded) => {
        const { content } = recorded.kind === wanted.kind ? wanted : loose;
        return { recorded, far: distance(differences(recorded.content, content)) };
      })
      .sort((a, b) => a.far - b.far);
    return nearest?.recorded;
  }
}

/**
 * Suffix for the kind of an entry, such as `llm openai`. It marks an entry of which only the messages are compared, so that it never
 * equals an entry of which the whole request is compared.
 */
const byMessages = ", by its messages";

function reduced({ kind, content }: ComparableRequest): ComparableRequest {
  return { kind: kind + byMessages, content: messagesOf(content) };
}

export function modelRequestOf(provider: string, request: ModelEntry["request"]): ComparableRequest {
  return { kind: `llm ${provider}`, content: normalisedBody(request) };
}

export function serverRequestOf({
  mcp,
  method,
  params,
}: Pick<CallEntry, "mcp" | "method" | "params">): ComparableRequest {
  return { kind: `mcp ${mcp} ${method}`, content: normalisedParams(params) };
}

/** Returns the request in the form in which it is compared. Secrets are removed from `content`. */
export function comparableOf<What extends JsonObject>(
  what: What,
  cleaner: Cleaner,
  toComparable: (what: What) => ComparableRequest,
): ComparableRequest {
  return { ...toComparable(cleaner.value(what)), unredacted: toComparable(what).content };
}

/** Returns a key that is the same for requests that match each other. */
export function keyOf({ kind, content }: ComparableRequest): string {
  return `${kind} ${JSON.stringify(content)}`;
}
