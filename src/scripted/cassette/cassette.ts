/** A cassette: a file with the recorded requests and answers of a session's models and servers. It can be recorded and replayed. */
import { existsSync } from "node:fs";
import { setTimeout as timer } from "node:timers/promises";
import { ConfigError, messageOf } from "../../core/errors.js";
import type { Tape } from "../../host/tape.js";
import { CassetteTape } from "./cassette-tape.js";
import { readFaults } from "./faults.js";
import { Cleaner } from "./file/clean.js";
import { maxBytes, type Recording, readCassette, requireReplaceable } from "./file/read.js";
import { cassetteText, writeCassette } from "./file/write.js";
import type { Sleep } from "./playing/played-body.js";
import { Recorder } from "./recorder.js";

/**
 * `record`: every request goes to the real server or model, and the file is replaced. `replay`: no request goes to a real server or model.
 * `record-missing`: a request with a recorded answer gets that answer. Any other request goes to the real server or model, and its answer
 * is added to the file.
 */
export type CassetteMode = "record" | "replay" | "record-missing";

export interface CassetteOptions {
  /** Path of the file. For `record` and `record-missing`, the file need not exist. */
  path: string;
  mode: CassetteMode;
  /** True if the session must make all recorded requests, in the recorded order. */
  strict?: boolean;
  /** Whether a replay makes the recorded pauses: `full` (default) leaves them out, `recorded` repeats them. */
  speed?: "full" | "recorded";
  /** Faults to cause during a replay, in the notation of the command line: `llm[1]=429`, `llm[2]=cut@120`, `mcp.fs[2]=crash`. */
  faults?: readonly string[];
  /** Secrets that must not be written into the file. `createApp` adds the secrets of its configuration. */
  secrets?: readonly string[];
  /**
   * Applies to newly recorded answers of models. If `messages`, a replay gives such an answer to any request with the same messages. By
   * default, a replay gives the answer only to an equal request.
   */
  match?: "messages";
  /** Monotonic clock, in ms. */
  now?: () => number;
  sleep?: Sleep;
}

export interface Cassette {
  /** Value for `AppOptions.tape`. */
  readonly tape: Tape;
  /**
   * A message for each request so far that had no recorded answer. The message shows how the request differs from the recorded requests.
   * Later misses are usually consequences of the first miss.
   */
  readonly misses: readonly string[];
  /**
   * Writes the recording; call it after the host has closed. Resolves with the problems of the whole run, as texts: recorded requests that
   * a strict replay did not make, faults that did not happen, a file that could not be written. Misses are not included.
   */
  finish(): Promise<readonly string[]>;
}

/** Opens a cassette. Throws ConfigError if there is no file to replay, if a line of the file or a fault is invalid, or if `record` would replace another file. */
export async function openCassette(options: CassetteOptions): Promise<Cassette> {
  const { path, mode, strict = false, speed = "full", secrets = [] } = options;
  const { now = () => performance.now(), sleep = pause } = options;
  const faults = readFaults(mode === "record" ? [] : (options.faults ?? []));
  if (mode === "record") requireReplaceable(path);
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
      const left = strict && mode === "replay" ? tape.recorded.left : [];
      // Node releases weak references only when a timer fires. A replay at full speed uses no timers, so without this one the closed host
      // would stay in memory.
      await timer(1);
      const unwritten = recorder ? await written(path, recorder, cleaner) : [];
      return [...left, ...faults.left, ...unwritten];
    },
  };
}

async function written(path: string, { head, entries }: Recorder, cleaner: Cleaner): Promise<string[]> {
  try {
    const text = cassetteText(head, entries, cleaner);
    if (Buffer.byteLength(text) > maxBytes) throw new Error(`larger than ${maxBytes / 1024 / 1024} MB`);
    await writeCassette(path, text);
    return [];
  } catch (error) {
    return [`the cassette ${path} was not written: ${messageOf(error)}`];
  }
}

/** Throws ConfigError if there is no file to replay. Can be called before a host is started. */
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
