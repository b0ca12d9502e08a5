/** Answers and actions of servers outside of calls: connections, lists, changes of lists, notifications. */
import { setTimeout as pause, setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { McpError } from "../core/errors.js";
import type { ServerAnswer, ServerHello, ServerLife } from "../core/tape.js";
import type { Cleaner } from "./clean.js";
import { type BetweenEntry, type CallEntry, type HelloEntry, isExchange } from "./format.js";
import { playEvent } from "./player.js";
import type { Recording } from "./read.js";
import { askedOfServer, keyOf, type Wanted } from "./shelf.js";

/** Longest wait for the host to read changed lists again. */
const longestListMs = 2000;

/** An entry with its position: the number of the session's requests before it. */
interface Placed<T> {
  position: number;
  entry: T;
}

export class Outside {
  readonly #hellos = new Map<string, HelloEntry["hello"][]>();
  /** Lists by request. */
  readonly #lists = new Map<string, Placed<CallEntry>[]>();
  /** Future events in order: a changed list, or an action of a server on its own. */
  readonly #coming: Placed<BetweenEntry | CallEntry>[] = [];
  readonly #links = new Map<string, ServerLife>();
  readonly #listed = new Set<{ key: string; done: () => void }>();
  readonly #cleaner: Cleaner;
  readonly #neverAborted = new AbortController().signal;
  #position = 0;
  #happening: Promise<void> = Promise.resolve();

  constructor({ entries }: Recording, cleaner: Cleaner) {
    this.#cleaner = cleaner;
    let position = 0;
    for (const entry of entries) {
      if (isExchange(entry)) position++;
      else if ("hello" in entry) this.#hellos.set(entry.mcp, [...(this.#hellos.get(entry.mcp) ?? []), entry.hello]);
      else if ("method" in entry) this.#addList({ position, entry: entry as CallEntry });
      else this.#coming.push({ position, entry: entry as BetweenEntry });
    }
  }

  /**
   * Returns the connections in order; the last one is repeated. Rejects with the recorded McpError. Resolves with undefined if none was
   * recorded.
   */
  async hello(server: string, life: ServerLife): Promise<ServerHello | undefined> {
    const hellos = this.#hellos.get(server) ?? [];
    const hello = hellos.length > 1 ? hellos.shift() : hellos[0];
    if (!hello) return undefined;
    if ("failure" in hello) {
      const { kind, message, ...details } = hello.failure;
      throw new McpError(kind, message, details);
    }
    this.#links.set(server, life);
    void setImmediate().then(() => this.reached(this.#position));
    return hello;
  }

  /** Returns the server's latest list at this position of the session. Undefined if none was recorded. */
  answer(wanted: Wanted): ServerAnswer | undefined {
    const key = keyOf(wanted);
    const lists = this.#lists.get(key);
    const found = lists?.findLast(({ position }) => position <= this.#position) ?? lists?.[0];
    for (const waiting of this.#listed) if (waiting.key === key) waiting.done();
    if (!found) return undefined;
    const { result, error, failure } = found.entry;
    if (result) return { result };
    return error ? { error } : { failure: failure ?? { kind: "protocol", message: "there was no answer" } };
  }

  /**
   * Moves to a position, the number of requests that have begun. Resolves when the events before the next request have happened and the
   * host has noticed.
   */
  reached(position: number): Promise<void> {
    this.#position = Math.max(this.#position, position);
    this.#happening = this.#happening.then(() => this.#happen());
    return this.#happening;
  }

  async #happen(): Promise<void> {
    for (let index = 0; index < this.#coming.length; ) {
      const { position, entry } = this.#coming[index] as Placed<BetweenEntry | CallEntry>;
      const life = this.#links.get(entry.mcp);
      if (position > this.#position) return;
      if (!life) {
        index++; // waits for its server
        continue;
      }
      this.#coming.splice(index, 1);
      if ("method" in entry) await this.#tellChange(entry, life);
      else
        for (const event of entry.events)
          await playEvent(event, life, this.#cleaner, this.#neverAborted).catch(() => {});
    }
  }

  #addList(placed: Placed<CallEntry>): void {
    const key = keyOf(askedOfServer(placed.entry));
    const before = this.#lists.get(key) ?? [];
    this.#lists.set(key, [...before, placed]);
    const last = before.at(-1)?.entry;
    // Lists from before the first request are the initial ones.
    const isChange = last && placed.position > 0 && !isDeepStrictEqual(last.result, placed.entry.result);
    if (isChange && kindOf(placed.entry.method)) this.#coming.push(placed);
  }

  async #tellChange(entry: CallEntry, life: ServerLife): Promise<void> {
    const key = keyOf(askedOfServer(entry));
    const read = new Promise<void>((done) => {
      const waiting = { key, done: () => done(void this.#listed.delete(waiting)) };
      this.#listed.add(waiting);
    });
    life.notified(`notifications/${kindOf(entry.method)}/list_changed`, {});
    const late = new AbortController();
    await Promise.race([read, pause(longestListMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    // The host uses the lists once it has all of them.
    for (let turns = 0; turns < 3; turns++) await setImmediate();
  }
}

function kindOf(method: string): string | undefined {
  return /^(tools|prompts|resources)\/(?:templates\/)?list$/.exec(method)?.[1];
}
