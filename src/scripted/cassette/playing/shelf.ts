/** Holds the recorded requests of a session, and finds the one that matches a new request. */
import type { JsonObject } from "../../../core/json.js";
import type { Cleaner } from "../file/clean.js";
import { type CallEntry, isExchange, type ModelEntry, type RecordedExchange } from "../file/format.js";
import { messagesOf, normalisedBody, normalisedParams } from "../file/normalise.js";
import type { Recording } from "../file/read.js";
import { isAlike, isRedacted } from "./alike.js";
import { changeText, differences, distance } from "./diff.js";

/** A request in a form in which requests can be compared. */
export interface Wanted {
  /** The kind of the request, such as `llm openai` or `mcp fs tools/call`. */
  of: string;
  /** The normalised request. */
  asked: JsonObject;
  /**
   * The normalised request, not redacted. Undefined for recorded requests. It is needed because a text that is a secret on this machine may
   * not have been redacted in the recording.
   */
  uncleared?: JsonObject;
}

interface Shelved extends Wanted {
  entry: RecordedExchange;
  line: number;
  isUsed: boolean;
}

export class Shelf {
  readonly #path: string;
  readonly #isStrict: boolean;
  readonly #shelved: Shelved[];
  readonly #byKey = new Map<string, Shelved[]>();
  readonly #redacted: (readonly [key: string, Shelved])[];

  constructor(path: string, { entries, lines }: Recording, isStrict: boolean) {
    this.#path = path;
    this.#isStrict = isStrict;
    this.#shelved = entries.filter(isExchange).map((entry) => {
      const wanted = "llm" in entry ? askedOfModel(entry.llm.provider, entry.request) : askedOfServer(entry);
      if ("llm" in entry && entry.match) wanted.of += byMessages;
      return { ...wanted, entry, line: lines.get(entry) ?? 0, isUsed: false };
    });
    for (const shelved of this.#shelved) {
      const same = this.#byKey.get(keyOf(shelved)) ?? [];
      this.#byKey.set(keyOf(shelved), [...same, shelved]);
    }
    this.#redacted = this.#shelved
      .map((shelved) => [keyOf(shelved), shelved] as const)
      .filter(([key]) => isRedacted(key));
  }

  get used(): number {
    return this.#shelved.filter(({ isUsed }) => isUsed).length;
  }

  /**
   * Finds the first unused entry that matches the request. `take` marks the entry as used. `isRepeated` is true if a further unused entry
   * also matches. Returns undefined if no entry matches.
   */
  find(wanted: Wanted): { entry: RecordedExchange; isRepeated: boolean; take(): void } | undefined {
    const same = this.#answersTo(wanted).filter(({ isUsed }) => !isUsed);
    const [found] = same;
    if (!found || (this.#isStrict && found !== this.#next)) return undefined;
    const take = () => {
      found.isUsed = true;
    };
    return { entry: found.entry, isRepeated: same.length > 1, take };
  }

  /** Returns a message that says why no entry matches the request. */
  missOf(wanted: Wanted): string {
    const what = `nothing recorded in ${this.#path} answers this request (${wanted.of})`;
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
    return this.#shelved
      .filter(({ isUsed }) => !isUsed)
      .map(({ line, of }) => `${this.#path}:${line}: nobody asked for this (${of})`);
  }

  #answersTo(wanted: Wanted): Shelved[] {
    const { of, uncleared = wanted.asked } = wanted;
    const ways = [wanted, { of, asked: uncleared }].flatMap((each) => [keyOf(each), keyOf(reduced(each))]);
    const same = [...new Set(ways)].flatMap((key) => this.#byKey.get(key) ?? []);
    if (same.some(({ isUsed }) => !isUsed)) return same;
    const alike = this.#redacted.filter(
      ([key, shelved]) => !same.includes(shelved) && ways.some((way) => isAlike(key, way)),
    );
    return [...same, ...alike.map(([, shelved]) => shelved)];
  }

  get #next(): Shelved | undefined {
    return this.#shelved.find(({ isUsed }) => !isUsed);
  }

  #compared({ of, asked }: Shelved, whole: Wanted): string {
    const wanted = of.endsWith(byMessages) ? reduced(whole) : whole;
    if (of !== wanted.of) return `another one (${of})`;
    const found = differences(asked, wanted.asked);
    return found.length === 0 ? "the same" : `different:\n${changeText(found)}`;
  }

  /** Returns the most similar entry of the same kind. Prefers unused entries. */
  #nearestTo(wanted: Wanted): Shelved | undefined {
    const loose = reduced(wanted);
    const alike = this.#shelved.filter(({ of }) => of === wanted.of || of === loose.of);
    const free = alike.filter(({ isUsed }) => !isUsed);
    const [nearest] = (free.length > 0 ? free : alike)
      .map((shelved) => {
        const { asked } = shelved.of === wanted.of ? wanted : loose;
        return { shelved, far: distance(differences(shelved.asked, asked)) };
      })
      .sort((a, b) => a.far - b.far);
    return nearest?.shelved;
  }
}

/**
 * Suffix for `of`, the kind of an entry, such as `llm openai`. It marks an entry of which only the messages are compared, so that it never
 * equals an entry of which the whole request is compared.
 */
const byMessages = ", by its messages";

function reduced({ of, asked }: Wanted): Wanted {
  return { of: of + byMessages, asked: messagesOf(asked) };
}

export function askedOfModel(provider: string, request: ModelEntry["request"]): Wanted {
  return { of: `llm ${provider}`, asked: normalisedBody(request) };
}

export function askedOfServer({ mcp, method, params }: Pick<CallEntry, "mcp" | "method" | "params">): Wanted {
  return { of: `mcp ${mcp} ${method}`, asked: normalisedParams(params) };
}

/** Returns the request in the form in which it is compared. Secrets are removed from `asked`. */
export function wantedOf<What extends JsonObject>(what: What, cleaner: Cleaner, asked: (what: What) => Wanted): Wanted {
  return { ...asked(cleaner.value(what)), uncleared: asked(what).asked };
}

/** Returns a key that is the same for requests that match each other. */
export function keyOf({ of, asked }: Wanted): string {
  return `${of} ${JSON.stringify(asked)}`;
}
