/**
 * The items of an answer between its coming and its going back: texts and arguments stand in the message, and all else of them is kept
 * beside it, in the order of the answer.
 */
import type { AssistantMessage, KeptPart } from "../../../core/chat.js";
import { asObject, asObjects, asText, type JsonObject } from "../../json.js";
import type { ResponsesQuirks } from "./quirks.js";

/** What is put between the texts of two parts, so that people can tell them apart. It is no part of what goes back. */
export const BREAK = "\n\n";

/** Keys of a call that say nothing which the message does not say. */
const PLAIN_CALL = new Set(["type", "id", "call_id", "name", "arguments", "status"]);

/** The text of a part of an answer, and the key that it has there. */
export function textIn(part: JsonObject): { key: "text" | "refusal"; text: string } {
  const key = part.type === "refusal" ? "refusal" : "text";
  return { key, text: asText(part[key]) ?? "" };
}

/** What of whole items goes back: nothing, where text and calls say it all. `content` is what their texts are together. */
export function keptOf(items: readonly JsonObject[]): { content: string; parts: KeptPart[] | undefined } {
  const parts: KeptPart[] = [];
  let content = "";
  let calls = 0;
  let isWanted = false;
  for (const item of items) {
    if (item.type === "function_call") {
      const { type: _type, call_id: _id, name: _name, arguments: _text, ...extra } = item;
      isWanted ||= Object.keys(item).some((key) => !PLAIN_CALL.has(key));
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
          content += BREAK;
          parts.push({ text: BREAK.length });
        }
        content += text;
        parts.push({ text: text.length, extra: index === 0 ? { message, part } : { part } });
      }
    }
  }
  return { content, parts: isWanted ? withoutLoneReasoning(parts) : undefined };
}

/** Reasoning at the end belongs to nothing, and is refused without what follows it. */
function withoutLoneReasoning(parts: readonly KeptPart[]): KeptPart[] | undefined {
  const kept = parts.slice(0, parts.findLastIndex((part) => !isReasoning(part)) + 1);
  return kept.length > 0 ? kept : undefined;
}

function isReasoning(part: KeptPart): boolean {
  return "opaque" in part && part.opaque.type === "reasoning";
}

/** Reasoning that holds nothing cannot be read by anybody: the API knows it no more, and llama.cpp refuses it. */
function isSendable(part: KeptPart): boolean {
  if (!("opaque" in part) || !isReasoning(part)) return true;
  return asText(part.opaque.encrypted_content) !== undefined || asObjects(part.opaque.content).length > 0;
}

interface Rebuilt {
  message: AssistantMessage;
  /** The calls as they go to everybody. */
  calls: readonly JsonObject[];
  quirks: Pick<ResponsesQuirks, "nativeKeys">;
}

/** The items as they came. Ids are left out where the reasoning that belongs to them is. */
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
