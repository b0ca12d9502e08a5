/** Replaces texts in a streamed answer, even if such a text is split over several events. */
import { isPlainObject, type JsonObject, parseJson } from "../../../core/json.js";
import type { RecordedPiece } from "./format.js";
import { bytesOf } from "./recorded-chunks.js";

/** The part of a text that one event contains. */
interface StreamPiece {
  text: string;
  event: number;
  put(text: string): unknown;
}

/** An object that replaces texts. Each method returns its argument unchanged if there is nothing to replace. */
export interface Rewriter {
  value<T>(value: T): T;
  /** Replaces parts of a text, which may be JSON. */
  text(text: string): string;
}

/** Rewrites the stream. Events in which nothing is replaced stay the same byte for byte. */
export function rewrittenStream(chunks: readonly RecordedPiece[], rewriter: Rewriter): RecordedPiece[] {
  const texts = chunks.map((chunk) => bytesOf(chunk).toString());
  const events = texts.map(eventOf);
  const changed = new Set<number>();
  for (const pieces of textsIn(events.map((event) => event?.json)).values()) {
    const whole = pieces.map(({ text }) => text).join("");
    const rewritten = rewriter.value(whole);
    if (rewritten === whole) continue;
    for (const [index, piece] of pieces.entries()) {
      piece.put(index === 0 ? rewritten : "");
      changed.add(piece.event);
    }
  }
  return chunks.map(([ms, piece], index): RecordedPiece => {
    const [event, text = ""] = [events[index], texts[index]];
    const rewritten = event ? rewrittenEvent(event, rewriter, changed.has(index)) : rewriter.text(text);
    return [ms, rewritten === text ? piece : rewritten];
  });
}

/** An event whose data is one line of JSON. `written` is that line; `before` and `after` are the text around it. */
interface Event {
  json: JsonObject;
  written: string;
  before: string;
  after: string;
}

function eventOf(text: string): Event | undefined {
  const found = /^data: *(\{.*\})[ \t]*$/m.exec(text);
  if (!found || (text.match(/^data:/gm) ?? []).length > 1) return undefined;
  const [line, written = ""] = found;
  const start = found.index;
  const json = parseJson(written);
  const rest = { before: text.slice(0, start), after: text.slice(start + line.length) };
  return isPlainObject(json) ? { json, written: line, ...rest } : undefined;
}

function rewrittenEvent({ json, written, before, after }: Event, rewriter: Rewriter, isChanged: boolean): string {
  const value = rewriter.value(json);
  const line = value === json && !isChanged ? written : `data: ${JSON.stringify(value)}`;
  return rewriter.text(before) + line + rewriter.text(after);
}

/** Keys whose values are never split over events: each event has the whole value, and many events have the same value. */
const labels = new Set(["id", "type", "role", "name"]);

/** Groups the pieces of text by the text that they form together: an answer, its reasoning, or the arguments of a call. */
function textsIn(events: readonly (JsonObject | undefined)[]): Map<string, StreamPiece[]> {
  const texts = new Map<string, StreamPiece[]>();
  const note = (of: string, event: number, holder: JsonObject | unknown[]) => {
    for (const [name, value] of Object.entries(holder)) {
      // The pieces of several calls may alternate. The `index` of a piece says to which call it belongs.
      const path = `${of} ${Array.isArray(holder) && isPlainObject(value) ? (value.index ?? name) : name}`;
      if (isPlainObject(value) || Array.isArray(value)) note(path, event, value);
      if (typeof value !== "string" || value === "" || labels.has(name)) continue;
      const put = (rewritten: string) => Object.assign(holder, { [name]: rewritten });
      const pieces = texts.get(path) ?? [];
      pieces.push({ text: value, event, put });
      texts.set(path, pieces);
    }
  };
  for (const [index, event] of events.entries()) {
    for (const choice of Array.isArray(event?.choices) ? event.choices.filter(isPlainObject) : []) {
      if (isPlainObject(choice.delta)) note(String(choice.index), index, choice.delta);
    }
  }
  return texts;
}
