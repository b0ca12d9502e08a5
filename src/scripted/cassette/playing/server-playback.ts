/** Replays what servers did outside of calls: connections, lists, changes of lists, notifications. */

import { setTimeout as pause, setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { McpError } from "../../../core/errors.js";
import { addTo } from "../../../core/lists/long-lists.js";
import type { ServerAnswer, ServerHello, ServerLife } from "../../../core/transports.js";
import type { Cleaner } from "../file/clean.js";
import { type BetweenEntry, type CallEntry, type HelloEntry, isExchange } from "../file/format.js";
import type { Recording } from "../file/read.js";
import { playEvent } from "./player.js";
import { type ComparableRequest, keyOf, serverRequestOf } from "./recorded-requests.js";

/** Longest time, in ms, to wait until the host has read a list again after the list has changed. */
const longestListMs = 2000;

/** An entry with its position in the recording: the number of requests that are recorded before it. */
interface PlacedEntry<T> {
  position: number;
  entry: T;
}

export class ServerPlayback {
  readonly #hellos = new Map<string, HelloEntry["hello"][]>();
  /** Recorded lists, keyed by the request that they answer (`keyOf`). */
  readonly #lists = new Map<string, PlacedEntry<CallEntry>[]>();
  /**
   * Recorded events that were not replayed yet, in order. An entry with a `method` is a changed list. All other entries are notifications
   * and questions of a server.
   */
  readonly #upcoming: PlacedEntry<BetweenEntry | CallEntry>[] = [];
  readonly #links = new Map<string, ServerLife>();
  readonly #listed = new Set<{ key: string; done: () => void }>();
  readonly #cleaner: Cleaner;
  readonly #neverAborted = new AbortController().signal;
  #position = 0;
  #playing: Promise<void> = Promise.resolve();

  constructor({ entries }: Recording, cleaner: Cleaner) {
    this.#cleaner = cleaner;
    let position = 0;
    for (const entry of entries) {
      if (isExchange(entry)) position++;
      else if ("hello" in entry) addTo(this.#hellos, entry.mcp, entry.hello);
      else if ("method" in entry) this.#addList({ position, entry: entry as CallEntry });
      else this.#upcoming.push({ position, entry: entry as BetweenEntry });
    }
  }

  /**
   * Replays the next recorded connection to the server. If no further connection was recorded, replays the last one again. Rejects with
   * McpError if the connection failed in the recording. Resolves with undefined if no connection was recorded.
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

  /** Returns the list that the server had at the current position of the session, or undefined if no such list was recorded. */
  answer(wanted: ComparableRequest): ServerAnswer | undefined {
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
   * Sets the position of the replay, which is the number of requests that have begun. Resolves when the events recorded up to this position
   * have been replayed and the host has handled them.
   */
  reached(position: number): Promise<void> {
    this.#position = Math.max(this.#position, position);
    this.#playing = this.#playing.then(() => this.#playDue());
    return this.#playing;
  }

  async #playDue(): Promise<void> {
    for (let index = 0; index < this.#upcoming.length; ) {
      const { position, entry } = this.#upcoming[index] as PlacedEntry<BetweenEntry | CallEntry>;
      const life = this.#links.get(entry.mcp);
      if (position > this.#position) return;
      if (!life) {
        index++; // skipped for now: this server is not connected yet
        continue;
      }
      this.#upcoming.splice(index, 1);
      if ("method" in entry) await this.#announceChange(entry, life);
      else
        for (const event of entry.events)
          await playEvent(event, life, this.#cleaner, this.#neverAborted).catch(() => {});
    }
  }

  #addList(placed: PlacedEntry<CallEntry>): void {
    const key = keyOf(serverRequestOf(placed.entry));
    const before = this.#lists.get(key) ?? [];
    this.#lists.set(key, [...before, placed]);
    const last = before.at(-1)?.entry;
    // Lists recorded before the first request are initial lists, not changes.
    const isChange = last && placed.position > 0 && !isDeepStrictEqual(last.result, placed.entry.result);
    if (isChange && kindOf(placed.entry.method)) this.#upcoming.push(placed);
  }

  async #announceChange(entry: CallEntry, life: ServerLife): Promise<void> {
    const key = keyOf(serverRequestOf(entry));
    const read = new Promise<void>((done) => {
      const waiting = { key, done: () => done(void this.#listed.delete(waiting)) };
      this.#listed.add(waiting);
    });
    life.notified(`notifications/${kindOf(entry.method)}/list_changed`, {});
    const timeout = new AbortController();
    await Promise.race([read, pause(longestListMs, undefined, { signal: timeout.signal }).catch(() => {})]);
    timeout.abort();
    // The host uses changed lists only after all of them have been read. This wait lets the host finish.
    for (let turns = 0; turns < 3; turns++) await setImmediate();
  }
}

function kindOf(method: string): string | undefined {
  return /^(tools|prompts|resources)\/(?:templates\/)?list$/.exec(method)?.[1];
}
