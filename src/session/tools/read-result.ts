/** The tool with which a model reads tool results that were too large to be shown and are therefore stored. */

import type { ResultStore } from "../../core/chat-store.js";
import { RequestError } from "../../core/errors.js";
import type { JsonSchema } from "../../core/messages.js";
import { type HostTool, hostDefinition, textContent } from "./host-tool.js";
import { jsonSlice } from "./json-slice.js";
import { grep, linesOf, readCharacters } from "./result-slices.js";

export interface ReadResultParts {
  results: ResultStore;
  /** Ids of the stored results in this conversation's log. The model can read only these results. */
  known: ReadonlySet<string>;
  /** Maximum number of bytes that one call returns. */
  maxBytes: number;
}

const count = (description: string, minimum: number) => ({ type: "integer", minimum, description });

const inputSchema: JsonSchema = {
  type: "object",
  properties: {
    result_id: { type: "string", description: "As the shortened result names it: res_…" },
    pointer: {
      type: "string",
      description: "Of a JSON result: the value at this JSON Pointer, as /items/0/name. The rest applies to it.",
    },
    grep: {
      type: "string",
      description: "Lines that match this regular expression, with the characters they begin at; from `start` on.",
    },
    start_line: count("First line to read, from 1.", 1),
    line_count: count("Lines to read. Default: 100.", 1),
    start: count("First character to read, from 0.", 0),
    length: count("Characters to read. Default: as many as fit.", 1),
  },
  required: ["result_id"],
};

const description =
  "Reads a part of a tool result that was too large to be shown: a range of characters or lines, lines that match, or a JSON value.";

export function readResult({ results, known, maxBytes }: ReadResultParts): HostTool {
  return {
    definition: hostDefinition("read_result", description, inputSchema),
    async run(args, signal) {
      const resultId = textOf(args, "result_id") ?? "";
      if (!known.has(resultId)) throw new RequestError("usage", `there is no result ${resultId} in this conversation`);
      const whole = await results.read(resultId);
      if (whole === undefined) throw new RequestError("usage", `the result ${resultId} is not kept any more`);
      const pointer = textOf(args, "pointer");
      const text = pointer === undefined ? whole : await jsonSlice(whole, pointer);
      return { content: textContent(await piece(text, args, maxBytes, signal)), isError: false };
    },
  };
}

type Arguments = Readonly<Record<string, unknown>>;

async function piece(text: string, args: Arguments, maxBytes: number, signal: AbortSignal): Promise<string> {
  const start = numberOf(args, "start", 0) ?? 0;
  const pattern = textOf(args, "grep");
  if (pattern) return grep(text, { pattern, start, signal }, maxBytes);
  const startLine = numberOf(args, "start_line", 1);
  const lines = numberOf(args, "line_count", 1);
  if (startLine !== undefined || lines !== undefined) {
    return linesOf(text, { startLine: startLine ?? 1, count: lines ?? 100 }, maxBytes);
  }
  return readCharacters(text, { start, length: numberOf(args, "length", 1) }, maxBytes);
}

/**
 * Returns a text argument. Returns undefined if the argument is missing or null, because models write null for arguments that they leave
 * out.
 */
function textOf(args: Arguments, name: string): string | undefined {
  const value = args[name] ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  throw new RequestError("usage", `${name}: a text is needed`);
}

function numberOf(args: Arguments, name: string, least: number): number | undefined {
  const value = args[name] ?? undefined;
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isInteger(number) && number >= least) return number;
  throw new RequestError("usage", `${name}: a whole number from ${least} is needed`);
}
