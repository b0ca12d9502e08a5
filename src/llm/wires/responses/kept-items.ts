/**
 * Converts the items of an answer to the parts that are stored, and the stored parts back to items for later requests. Texts and arguments
 * are stored only in the message. The parts store everything else, in the order of the items.
 */

import { asObject, asObjects, asText, type JsonObject } from "../../../core/json.js";
import type { AssistantMessage, KeptPart } from "../../../core/messages.js";
import type { ResponsesQuirks } from "./quirks.js";

/** Text between two parts when they are shown to people. It is not sent back to the provider. */
export const lineBreak = "\n\n";

const plainCall = new Set(["type", "id", "call_id", "name", "arguments", "status"]);

export function textIn(part: JsonObject): { key: "text" | "refusal"; text: string } {
  const key = part.type === "refusal" ? "refusal" : "text";
  return { key, text: asText(part[key]) ?? "" };
}

/**
 * Returns the joined texts as `content`, and the parts to send back. `parts` is undefined if text and calls alone are enough to rebuild the
 * items.
 */
export function keptOf(items: readonly JsonObject[]): { content: string; parts: KeptPart[] | undefined } {
  const parts: KeptPart[] = [];
  let content = "";
  let calls = 0;
  let isWanted = false;
  for (const item of items) {
    if (item.type === "function_call") {
      const { type: _type, call_id: _id, name: _name, arguments: _text, ...extra } = item;
      isWanted ||= Object.keys(item).some((key) => !plainCall.has(key));
      parts.push({ call: calls++, extra });
    } else if (item.type !== "message") {
      isWanted ||= true;
      parts.push({ opaque: item });
    } else {
      const { content: list, ...message } = item;
      isWanted ||= "phase" in item;
      const texts = asObjects(list);
      if (texts.length === 0) parts.push({ text: 0, extra: { message } });
      for (const [index, native] of texts.entries()) {
        const { key, text } = textIn(native);
        const { [key]: _said, ...part } = native;
        if (content !== "" && text !== "") {
          content += lineBreak;
          parts.push({ text: lineBreak.length });
        }
        content += text;
        parts.push({ text: text.length, extra: index === 0 ? { message, part } : { part } });
      }
    }
  }
  return { content, parts: isWanted ? withoutLoneReasoning(parts) : undefined };
}

/** Drops reasoning at the end of the parts, because the API refuses reasoning without the item that followed this reasoning. */
function withoutLoneReasoning(parts: readonly KeptPart[]): KeptPart[] | undefined {
  const kept = parts.slice(0, parts.findLastIndex((part) => !isReasoning(part)) + 1);
  return kept.length > 0 ? kept : undefined;
}

function isReasoning(part: KeptPart): boolean {
  return "opaque" in part && part.opaque.type === "reasoning";
}

/**
 * Returns true if the part may be sent back. Reasoning that has neither encrypted nor readable content may not: the API has not stored it,
 * and llama.cpp refuses it.
 */
function isSendable(part: KeptPart): boolean {
  if (!("opaque" in part) || !isReasoning(part)) return true;
  return asText(part.opaque.encrypted_content) !== undefined || asObjects(part.opaque.content).length > 0;
}

interface Rebuilt {
  message: AssistantMessage;
  calls: readonly JsonObject[];
  quirks: Pick<ResponsesQuirks, "nativeKeys">;
}

/**
 * Converts the parts back to the items that the provider sent. If some reasoning must be left out, all items lose their ids, because the
 * API refuses an item with an id whose reasoning is missing.
 */
export function itemsOfParts(parts: readonly KeptPart[], { message, calls, quirks }: Rebuilt): JsonObject[] {
  const hasIds = parts.every(isSendable);
  const native = (extra: unknown): JsonObject => {
    const { id, ...rest } = quirks.nativeKeys ? (asObject(extra) ?? {}) : {};
    return hasIds && id !== undefined ? { id, ...rest } : rest;
  };
  const items: JsonObject[] = [];
  let said: JsonObject[] = [];
  let at = 0;
  for (const part of parts) {
    if ("opaque" in part) {
      if (isSendable(part)) items.push(part.opaque);
    } else if ("call" in part) {
      items.push({ ...native(part.extra), ...calls[part.call] });
    } else {
      const text = message.content.slice(at, at + part.text);
      at += part.text;
      const { message: begun, part: of } = part.extra ?? {};
      if (begun) {
        said = [];
        items.push({ ...native(begun), type: "message", role: "assistant", content: said });
      }
      if (of) said.push(contentPart(asObject(of) ?? {}, text, quirks));
    }
  }
  return items;
}

function contentPart(part: JsonObject, text: string, { nativeKeys }: Rebuilt["quirks"]): JsonObject {
  const { key } = textIn(part);
  return { ...(nativeKeys ? part : {}), type: key === "refusal" ? "refusal" : "output_text", [key]: text };
}
