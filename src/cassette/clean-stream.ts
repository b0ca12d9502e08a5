/** Rewriting of a streamed answer, where what is looked for may come in pieces. */
import { type Chunk, isRecord, type Json } from "./format.js";

/** One text of a delta, part of a text that the events make up together. */
interface Piece {
  text: string;
  event: number;
  put(text: string): void;
}

/** Gives the same object, or text, where there is nothing to change. */
export interface Rewriter {
  value<T>(value: T): T;
  /** JSON, or any text. */
  text(text: string): string;
}

/** Events that are not changed keep their bytes. */
export function rewrittenStream(chunks: readonly Chunk[], rewriter: Rewriter): Chunk[] {
  const parsed = chunks.map(([, piece]) => (typeof piece === "string" ? eventOf(piece) : undefined));
  const changed = new Set<number>();
  for (const pieces of textsIn(parsed).values()) {
    const whole = pieces.map(({ text }) => text).join("");
    const rewritten = rewriter.value(whole);
    if (rewritten === whole) continue;
    for (const [index, piece] of pieces.entries()) {
      piece.put(index === 0 ? rewritten : "");
      changed.add(piece.event);
    }
  }
  return chunks.map(([ms, piece], index): Chunk => {
    if (typeof piece !== "string") return [ms, piece];
    const event = parsed[index];
    if (!event) return [ms, rewriter.text(piece)];
    const rewritten = rewriter.value(event);
    return [ms, rewritten === event && !changed.has(index) ? piece : `data: ${JSON.stringify(rewritten)}\n\n`];
  });
}

function eventOf(text: string): Json | undefined {
  const data = /^data: ?(\{.*\})\r?\n\r?\n$/s.exec(text)?.[1];
  try {
    const value: unknown = data === undefined ? undefined : JSON.parse(data);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** By what they are pieces of: the words of a choice, its reasoning, the arguments of a call. */
function textsIn(events: readonly (Json | undefined)[]): Map<string, Piece[]> {
  const texts = new Map<string, Piece[]>();
  const note = (of: string, event: number, holder: Json, name: string) => {
    const text = holder[name];
    if (typeof text !== "string" || text === "") return;
    const put = (rewritten: string) => {
      holder[name] = rewritten;
    };
    const pieces = texts.get(of) ?? [];
    pieces.push({ text, event, put });
    texts.set(of, pieces);
  };
  for (const [index, event] of events.entries()) {
    for (const choice of records(event?.choices)) {
      const delta = isRecord(choice.delta) ? choice.delta : {};
      for (const name of ["content", "reasoning", "reasoning_content"])
        note(`${choice.index} ${name}`, index, delta, name);
      for (const call of records(delta.tool_calls)) {
        if (isRecord(call.function)) note(`${choice.index} call ${call.index}`, index, call.function, "arguments");
      }
    }
  }
  return texts;
}

function records(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
