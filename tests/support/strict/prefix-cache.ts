import { hash } from "node:crypto";

/** A part of the prompt that is cached as a whole or not at all: a tool, a block, an item. */
export interface Segment {
  /** The bytes that the vendor hashes. Every byte counts, and so does key order. */
  bytes: string;
  tokens: number;
  /** Segments of one position count as one in the look-back (a run of tool calls or of tool results). */
  position: number;
}

/** A segment at whose end a cache entry may be written. */
export interface Mark {
  /** Index of the last segment of the prefix. */
  segment: number;
  lifeMs: number;
}

/** Input tokens of one request. `read + written + fresh` is the whole input. */
export interface InputTokens {
  input: number;
  read: number;
  written: number;
  /** The part of `written` that was written for an hour. */
  written1h: number;
  fresh: number;
  /** Tokens of the longest prefix that an earlier request also had. */
  repeated: number;
}

/** Tokens of a request, and the function that makes the vendor remember its prefixes. */
export interface Accounting {
  tokens: InputTokens;
  /**
   * Remembers the prefixes once the answer has begun. Returns the tokens that were written although another request had written the same
   * prefix, which has not expired.
   */
  commit(): number;
}

const hour = 3_600_000;
/** Counts one token for every four bytes: the mocks have no tokenizer, and the host does not need one of theirs. */
export const tokensOf = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4);
export const segmentOf = (value: unknown, position: number): Segment => {
  const bytes = typeof value === "string" ? value : JSON.stringify(value);
  const media = mediaKeys.some((key) => bytes.includes(key)) ? (bytes.match(longMedia) ?? []) : [];
  const text = media.length > 0 ? bytes.replace(longMedia, "") : bytes;
  return { bytes, tokens: tokensOf(text) + media.length * mediaTokens, position };
};

/** Keys of pictures and files, which count by their content, not by the length of their base64. */
const mediaKeys = ['"data":"', '"image_url":"', '"file_data":"'];
const longMedia = /"(?:data|image_url|file_data)":"[^"]{1000,}"/g;
const mediaTokens = 1500;

/** The prefixes that a vendor remembers, with an injected clock. */
export class PrefixCache {
  readonly #now: () => number;
  /** Entries that can be read: the hash of a prefix with its expiry. */
  readonly #entries = new Map<string, { expires: number; lifeMs: number }>();
  /** Every prefix that any request had. */
  readonly #seen = new Set<string>();
  /** Every prefix inside a written range, with the expiry of that write. */
  readonly #written = new Map<string, { expires: number; lifeMs: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Accounts for one request. `scope` separates accounts and models. Each of `salts` is hashed before the segment with its index. `candidates` are
   * the segments at whose ends an entry may be read.
   */
  account(
    scope: string,
    segments: readonly Segment[],
    marks: readonly Mark[],
    candidates: readonly number[],
    minimum: number,
    salts: Record<number, string> = {},
  ): Accounting {
    const at = this.#now();
    const prefixes = hashes(scope, segments, salts);
    const ends = endsOf(segments);
    const upTo = (segment: number) => ends[segment] ?? 0;
    const input = ends.at(-1) ?? 0;
    const isAlive = (segment: number) => (this.#entries.get(prefixes[segment] ?? "")?.expires ?? 0) > at;
    const readFrom = Math.max(-1, ...candidates.filter((segment) => upTo(segment) >= minimum && isAlive(segment)));
    const written = marks.filter(({ segment }) => segment > readFrom && upTo(segment) >= minimum);
    const last = Math.max(readFrom, ...written.map(({ segment }) => segment));
    const lastHour = Math.max(
      readFrom,
      ...written.filter(({ lifeMs }) => lifeMs >= hour).map(({ segment }) => segment),
    );
    const range = prefixes.slice(readFrom + 1, last + 1);
    const isAgain = (prefix: string) => (this.#written.get(prefix)?.expires ?? 0) > at;
    const repeated = prefixes.findIndex((prefix) => !this.#seen.has(prefix));
    const tokens = {
      input,
      read: upTo(readFrom),
      written: upTo(last) - upTo(readFrom),
      written1h: upTo(lastHour) - upTo(readFrom),
      fresh: input - upTo(last),
      repeated: repeated === -1 ? input : upTo(repeated - 1),
    };
    const commit = () => {
      const twice = range.reduce(
        (sum, prefix, index) => sum + (isAgain(prefix) ? (segments[readFrom + 1 + index]?.tokens ?? 0) : 0),
        0,
      );
      for (const prefix of prefixes) this.#seen.add(prefix);
      for (const { segment, lifeMs } of written)
        this.#entries.set(prefixes[segment] ?? "", { expires: at + lifeMs, lifeMs });
      const life = Math.max(0, ...written.map(({ lifeMs }) => lifeMs));
      for (const prefix of range) this.#written.set(prefix, { expires: at + life, lifeMs: life });
      // A read refreshes the entry that was read and the entries written inside it.
      for (const prefix of prefixes.slice(0, readFrom + 1))
        for (const known of [this.#entries.get(prefix), this.#written.get(prefix)])
          if (known && known.expires > at) known.expires = Math.max(known.expires, at + known.lifeMs);
      return twice;
    };
    return { tokens, commit };
  }

  /**
   * Accounts for one request at a vendor that reads the longest common prefix by itself, in whole steps, and writes for free (OpenAI before
   * GPT-5.6, Gemini's implicit cache).
   */
  automatic(scope: string, segments: readonly Segment[], minimum: number, step: number, lifeMs: number): Accounting {
    const at = this.#now();
    const prefixes = hashes(scope, segments, {});
    const ends = endsOf(segments);
    const input = ends.at(-1) ?? 0;
    const firstWhere = (test: (prefix: string) => boolean) => {
      const index = prefixes.findIndex(test);
      return index === -1 ? input : (ends[index - 1] ?? 0);
    };
    const common = firstWhere((prefix) => (this.#entries.get(prefix)?.expires ?? 0) <= at);
    const read = common < minimum ? 0 : common - (common % step);
    const repeated = firstWhere((prefix) => !this.#seen.has(prefix));
    return {
      tokens: { input, read, written: 0, written1h: 0, fresh: input - read, repeated },
      commit: () => {
        for (const prefix of prefixes) {
          this.#seen.add(prefix);
          this.#entries.set(prefix, { expires: at + lifeMs, lifeMs });
        }
        return 0;
      },
    };
  }
}

function endsOf(segments: readonly Segment[]): number[] {
  let end = 0;
  return segments.map(({ tokens }) => {
    end += tokens;
    return end;
  });
}

/** Returns the hash of every prefix, each made from the hash before it. */
function hashes(scope: string, segments: readonly Segment[], salts: Record<number, string>): string[] {
  let before = scope;
  return segments.map(({ bytes }, index) => {
    const salt = salts[index] ?? "";
    before = hash("sha1", `${before}\0${salt}\0${bytes}`, "base64");
    return before;
  });
}
