import { readFileSync, statSync } from "node:fs";
import { ConfigError, type ConfigProblem, messageOf } from "../../../core/errors.js";
import { asObject, isPlainObject, type JsonObject, parseJson } from "../../../core/json.js";
import type { Entry, Head } from "./format.js";
import { withHistory } from "./normalise.js";

export const maxBytes = 256 * 1024 * 1024;

export interface Recording {
  head: Head;
  entries: Entry[];
  /** Line number of each entry in the file, from 1. */
  lines: ReadonlyMap<Entry, number>;
}

/** Reads a cassette. Returns undefined if there is no file. Throws ConfigError with one problem for each invalid line. */
export function readCassette(path: string): Recording | undefined {
  const text = textAt(path);
  return text === undefined ? undefined : parse(text, path);
}

/** Throws ConfigError if `path` has a file with other content than a cassette, because a recording would replace it. */
export function requireReplaceable(path: string): void {
  const first = textAt(path)
    ?.split("\n")
    .find((line) => line.trim() !== "");
  if (first === undefined || asObject(parseJson(first))?.cassette !== undefined) return;
  const message = "is not a cassette, and a recording would replace it: delete it, or name another file";
  throw new ConfigError([problem(path, 0, message)]);
}

/** Returns the text of the file, or undefined if there is none. Throws ConfigError. */
function textAt(path: string): string | undefined {
  try {
    const stats = statSync(path);
    if (!stats.isFile() && !stats.isDirectory()) throw new Error("is a pipe or a device, not a file");
    if (stats.size > maxBytes) throw new Error(`larger than ${maxBytes / 1024 / 1024} MB`);
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ConfigError([problem(path, 1, messageOf(error))]);
  }
}

function parse(text: string, path: string): Recording {
  const parts = new Map<string, unknown>();
  const lines = new Map<Entry, number>();
  const problems: ConfigProblem[] = [];
  let head: Head | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      const value = JSON.parse(line) as unknown;
      if (!isPlainObject(value)) throw new Error("not a JSON object");
      if (!head) head = headOf(value);
      else if (typeof value.part === "string") parts.set(value.part, value.value);
      else lines.set(entryOf(value, parts), index + 1);
    } catch (error) {
      problems.push(problem(path, index + 1, messageOf(error)));
      if (!head) break;
    }
  }
  if (!head && problems.length === 0) problems.push(problem(path, 1, "it is empty"));
  if (!head || problems.length > 0) throw new ConfigError(problems);
  return { head, entries: [...lines.keys()], lines };
}

function headOf(value: JsonObject): Head {
  if (value.cassette === undefined) throw new Error('the first line of a cassette is {"cassette":1,…}');
  if (value.cassette !== 1)
    throw new Error(`a cassette of version ${JSON.stringify(value.cassette)}; this host reads 1`);
  if (value.llm !== undefined && !(isPlainObject(value.llm) && typeof value.llm.active === "string")) {
    throw new Error("llm.active must be a text");
  }
  return value as unknown as Head;
}

function entryOf(value: JsonObject, parts: ReadonlyMap<string, unknown>): Entry {
  if (isPlainObject(value.llm)) return modelEntryOf(value, parts);
  if (typeof value.mcp !== "string") throw new Error("the line has neither llm, mcp nor part");
  if (value.hello !== undefined) {
    const { hello } = value;
    const isHello =
      isPlainObject(hello) && (isFailure(hello.failure) || (isEra(hello.era) && isPlainObject(hello.capabilities)));
    if (!isHello) throw new Error("hello must have era and capabilities, or failure");
    return value as unknown as Entry;
  }
  if (value.events !== undefined) checkEvents(value.events);
  if (value.method === undefined) {
    if (value.events === undefined) throw new Error("an mcp line has hello, method or events");
    return value as unknown as Entry;
  }
  if (typeof value.method !== "string" || !isPlainObject(value.params))
    throw new Error("method must be a text, params an object");
  const { result, error, failure, open } = value;
  const isError = isPlainObject(error) && typeof error.code === "number" && typeof error.message === "string";
  if (![isPlainObject(result), isError, isFailure(failure), open === true].includes(true)) {
    throw new Error("a request to a server has result, error, failure or open");
  }
  return { ...value, ms: typeof value.ms === "number" ? value.ms : 0 } as unknown as Entry;
}

function modelEntryOf(value: JsonObject, parts: ReadonlyMap<string, unknown>): Entry {
  const { llm, match, request, ids, response, broken, chunks } = value;
  const { provider, model } = llm as JsonObject;
  if (typeof provider !== "string" || typeof model !== "string") throw new Error("llm must name provider and model");
  if (!isPlainObject(request)) throw new Error("request must be an object");
  if (ids !== undefined && !(Array.isArray(ids) && ids.every((id) => typeof id === "string"))) {
    throw new Error("ids must be a list of texts");
  }
  if (match !== undefined && match !== "messages") throw new Error('match can be "messages" alone');
  const hasStatus = isPlainObject(response) && typeof response.status === "number" && isPlainObject(response.headers);
  if (!hasStatus && !(response === undefined && isPlainObject(broken)))
    throw new Error("response must have status and headers");
  if (!Array.isArray(chunks) || !chunks.every(isChunk)) throw new Error("chunks must be [milliseconds, text]");
  return { ...value, request: withoutParts(request, parts) } as unknown as Entry;
}

function withoutParts(request: JsonObject, parts: ReadonlyMap<string, unknown>): JsonObject {
  const whole = (value: unknown) => {
    if (!isPlainObject(value) || typeof value.$part !== "string") return value;
    if (!parts.has(value.$part)) throw new Error(`no line before has the part ${value.$part}`);
    return parts.get(value.$part);
  };
  const { tools } = request;
  return {
    ...withHistory(request, (messages) => messages.map(whole)),
    ...(tools !== undefined && { tools: whole(tools) }),
  };
}

function checkEvents(events: unknown): void {
  const isEvent = (event: unknown) =>
    Array.isArray(event) &&
    typeof event[0] === "number" &&
    isPlainObject(event[1]) &&
    (isPlainObject(event[1].progress) ||
      isCall(event[1].notify) ||
      isCall(event[1].ask) ||
      typeof event[1].closed === "string");
  if (!Array.isArray(events) || !events.every(isEvent)) {
    throw new Error("events must be [milliseconds, {progress, notify, ask or closed}]");
  }
}

function isCall(value: unknown): boolean {
  return isPlainObject(value) && typeof value.method === "string" && isPlainObject(value.params);
}

function isChunk(value: unknown): boolean {
  if (!Array.isArray(value) || typeof value[0] !== "number") return false;
  return typeof value[1] === "string" || (isPlainObject(value[1]) && typeof value[1].base64 === "string");
}

function isFailure(value: unknown): boolean {
  return isPlainObject(value) && typeof value.kind === "string" && typeof value.message === "string";
}

function isEra(value: unknown): boolean {
  return value === "legacy" || value === "modern";
}

function problem(file: string, line: number, message: string): ConfigProblem {
  return { file, line, column: 1, path: "", message };
}
