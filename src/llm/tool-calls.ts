import type { ToolCall } from "../core/chat.js";
import { asNumber, asObject, asObjects, asText, type JsonObject, parseJson } from "./json.js";

interface OpenCall {
  index?: number;
  id?: string;
  name?: string;
  pieces: string[];
  opaque?: unknown;
}

/**
 * Puts tool calls together from what arrives of them. The API numbers its pieces by `index`; others number all calls 0,
 * leave the number or the id out, or send whole calls: then the id tells them apart, then a call being whole already.
 */
export class ToolCallAssembly {
  readonly #calls: OpenCall[] = [];

  /** False when the list held nothing. */
  push(list: unknown): boolean {
    const pieces = asObjects(list);
    if (pieces.length === 0) return false;
    const taken = new Set<OpenCall>();
    for (const [position, piece] of pieces.entries()) {
      const open = this.#openCall(piece, pieces.length > 1 ? position : this.#calls.length - 1);
      const call = open && !taken.has(open) && !begins(piece, open) ? open : this.#begin(piece);
      taken.add(call);
      add(piece, call);
    }
    return true;
  }

  /** Every call with an id of its own: `isTaken` knows those of the conversation so far, and `newId` makes one up. */
  finish(newId: () => string, isTaken: (id: string) => boolean): ToolCall[] {
    const used = new Set<string>();
    return this.#calls.map(({ id, name = "", pieces, opaque }) => {
      const own = id === undefined || used.has(id) || isTaken(id) ? newId() : id;
      used.add(own);
      const call = { id: own, name, arguments: argumentsOf(pieces) };
      return opaque === undefined ? call : { ...call, opaque };
    });
  }

  #openCall(piece: JsonObject, position: number): OpenCall | undefined {
    const index = asNumber(piece.index);
    if (index !== undefined) return this.#calls.findLast((call) => call.index === index);
    const id = asText(piece.id);
    return this.#calls.find((call) => id !== undefined && call.id === id) ?? this.#calls[position];
  }

  #begin(piece: JsonObject): OpenCall {
    const call: OpenCall = { index: asNumber(piece.index), pieces: [] };
    this.#calls.push(call);
    return call;
  }
}

/** Whether the piece is the start of another call, though its place says `open`. Some servers repeat the name in every piece. */
function begins(piece: JsonObject, open: OpenCall): boolean {
  const name = asText(asObject(piece.function)?.name);
  const id = asText(piece.id);
  if (!name || !open.name) return false;
  if (id && open.id) return id !== open.id;
  return name !== open.name || asObject(parseJson(open.pieces.join(""))) !== undefined;
}

function add(piece: JsonObject, call: OpenCall): void {
  const { name, arguments: text } = asObject(piece.function) ?? {};
  call.id ??= asText(piece.id);
  call.name ??= asText(name);
  call.opaque ??= piece.extra_content ?? undefined;
  if (typeof text === "string") call.pieces.push(text);
  else if (text !== undefined && text !== null) call.pieces.push(JSON.stringify(text));
}

/** A tool without parameters is called with "" by some. */
function argumentsOf(pieces: readonly string[]): string {
  const text = pieces.join("");
  return text.trim() === "" ? "{}" : text;
}
