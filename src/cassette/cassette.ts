/** A cassette: what went over the wires of a session, in one file, recorded or played. */
import { existsSync } from "node:fs";
import { setTimeout as timer } from "node:timers/promises";
import { ConfigError, messageOf } from "../core/errors.js";
import type { Tape } from "../core/tape.js";
import { CassetteTape } from "./cassette-tape.js";
import { Cleaner } from "./clean.js";
import { readFaults } from "./faults.js";
import type { Sleep } from "./played-body.js";
import { maxBytes, type Recording, readCassette } from "./read.js";
import { Recorder } from "./recorder.js";
import { textOf, writeCassette } from "./write.js";

/**
 * `record`: everything goes over the wires, and the file is written anew. `replay`: nothing does. `record-missing`: servers and models
 * are there, what is in the file is played nevertheless, and what is not is added to it.
 */
export type CassetteMode = "record" | "replay" | "record-missing";

export interface CassetteOptions {
  /** Of the file. Need not exist for `record` and `record-missing`. */
  path: string;
  mode: CassetteMode;
  /** Played in the recorded order, and all of it. */
  strict?: boolean;
  /** `full` (default): without the pauses of the recording. */
  speed?: "full" | "recorded";
  /** As typed: `llm[1]=429`, `llm[2]=cut@120`, `mcp.fs[2]=crash`; on replay only. */
  faults?: readonly string[];
  /** What the file must not hold, beside what the app conceals: `createApp` tells its configured secrets by itself. */
  secrets?: readonly string[];
  /** On record: what `match` of the entries for model requests says. Default: they answer the same request alone. */
  match?: "messages";
  /** Milliseconds, of a clock that never goes back. */
  now?: () => number;
  sleep?: Sleep;
}

export interface Cassette {
  /** For `AppOptions.tape`. */
  readonly tape: Tape;
  /** Requests that nothing recorded answers, so far, in words with a diff. The first one is the reason of what follows it. */
  readonly misses: readonly string[];
  /**
   * Writes what was recorded, once the host is closed. Resolves to what is wrong with the run as a whole, in words: strict entries that were
   * not used, faults that hit nothing, a file that could not be written. Misses are not repeated here.
   */
  finish(): Promise<readonly string[]>;
}

/** Throws ConfigError: there is no file to replay, a line of it is not of a cassette, a fault is none. */
export async function openCassette(options: CassetteOptions): Promise<Cassette> {
  const { path, mode, strict = false, speed = "full", secrets = [] } = options;
  const { now = () => performance.now(), sleep = pause } = options;
  const faults = readFaults(mode === "record" ? [] : (options.faults ?? []));
  const there = mode === "record" ? undefined : readCassette(path);
  if (mode === "replay" && !there) throw missing(path);
  const recording: Recording = there ?? { head: { cassette: 1 }, entries: [], lines: new Map() };
  const cleaner = new Cleaner();
  cleaner.conceal(secrets);
  const recorder = mode === "replay" ? undefined : new Recorder(now, recording, options.match);
  const playback = { sleep, isPaced: speed === "recorded", cleaner };
  const tape = new CassetteTape({ path, recording, isStrict: strict, playback, faults, recorder });
  return {
    tape,
    misses: tape.misses,
    async finish() {
      const left = strict && mode === "replay" ? tape.shelf.left : [];
      // Weak references are let go when the loop comes to its timers, which replays at full speed never need: each would keep its host.
      await timer(1);
      const unwritten = recorder ? await written(path, recorder, cleaner) : [];
      return [...left, ...faults.left, ...unwritten];
    },
  };
}

async function written(path: string, { head, entries }: Recorder, cleaner: Cleaner): Promise<string[]> {
  try {
    const text = textOf(head, entries, cleaner);
    if (Buffer.byteLength(text) > maxBytes) throw new Error(`larger than ${maxBytes / 1024 / 1024} MB`);
    await writeCassette(path, text);
    return [];
  } catch (error) {
    return [`the cassette ${path} was not written: ${messageOf(error)}`];
  }
}

/** What can be said before a host is there. Throws ConfigError: there is no file to replay. */
export function requireCassette(path: string): void {
  if (!existsSync(path)) throw missing(path);
}

function missing(path: string): ConfigError {
  const message = "there is no such cassette; record it first (--record)";
  return new ConfigError([{ file: path, line: 0, column: 0, path: "", message }]);
}

async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await timer(milliseconds, undefined, { signal });
}
