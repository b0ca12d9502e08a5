import { asObject, asText, type JsonObject, parseJson } from "../../../core/json.js";
import type { KeptPart } from "../../../core/messages.js";
import { GrowingText } from "../shared/growing-text.js";
import { firstOccurrence, type WrittenCall } from "../shared/tool-ids.js";

export interface OpenBlock {
  /** The block as the provider sent it, without the text that arrives later in pieces. */
  native: JsonObject;
  text: GrowingText;
  input: GrowingText;
  citations: unknown[];
}

export function openBlock(native: JsonObject): OpenBlock {
  const block = { native: { ...native }, text: new GrowingText(), input: new GrowingText(), citations: [] };
  block.text.push(asText(native.text) ?? asText(native.thinking) ?? "");
  return block;
}

interface SaidInBlocks {
  content: string;
  calls: WrittenCall[];
  parts: KeptPart[] | undefined;
}

/**
 * Converts blocks to text, calls and the parts that are sent back later. Thinking is kept as it came, even without text. From other blocks,
 * all keys except text and arguments are kept. `parts` is undefined if the answer is only a text followed by calls.
 */
export function saidInBlocks(blocks: readonly OpenBlock[]): SaidInBlocks {
  const calls: WrittenCall[] = [];
  const isFirst = firstOccurrence();
  const texts: string[] = [];
  const parts = blocks.flatMap((block): KeptPart | [] => {
    const { native, text, citations } = block;
    if (native.type === "text") {
      const { type: _, text: _text, citations: given, ...extra } = native;
      const cited = citations.length > 0 ? citations : given;
      texts.push(text.toString());
      return withExtra({ text: text.toString().length }, { ...extra, ...(cited ? { citations: cited } : {}) });
    }
    if (native.type === "tool_use") {
      const { type: _, id, name, input: _input, ...extra } = native;
      const call = { id: asText(id), name: asText(name) ?? "", arguments: argumentsOf(block) };
      if (!isFirst(call)) return [];
      calls.push(call);
      return withExtra({ call: calls.length - 1 }, extra);
    }
    return { opaque: opaqueOf(block) };
  });
  return { content: texts.join(""), calls, parts: isPlain(parts) ? undefined : parts };
}

function withExtra<Part extends object>(part: Part, extra: JsonObject): Part {
  return Object.keys(extra).length > 0 ? { ...part, extra } : part;
}

/** Returns the arguments as text. They arrive either as pieces of text, or as a JSON value if the block came whole. */
function argumentsOf({ native, input }: OpenBlock): string {
  return asText(input.toString()) ?? JSON.stringify(native.input ?? {});
}

function opaqueOf({ native, text, input }: OpenBlock): JsonObject {
  if (native.type === "thinking") return { ...native, thinking: text.toString() };
  const whole = asText(input.toString()) === undefined ? undefined : asObject(parseJson(input.toString()));
  return whole ? { ...native, input: whole } : native;
}

/** Returns true if the parts are at most one text followed by calls. Such blocks can be rebuilt from the message alone. */
function isPlain(parts: readonly KeptPart[]): boolean {
  return parts.every((part, at) => !("opaque" in part) && !part.extra && ("call" in part || at === 0));
}
