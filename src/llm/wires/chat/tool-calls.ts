import { asNumber, asObject, asObjects, asText, type JsonObject, parseJson } from "../../../core/json.js";
import type { ToolDefinition } from "../../../core/messages.js";
import { firstOccurrence, type WrittenCall } from "../shared/tool-ids.js";
import { ArgumentPieces } from "./argument-pieces.js";

type ToolName = Pick<ToolDefinition, "name">;

interface OpenCall {
  id?: string;
  name?: string;
  pieces: ArgumentPieces;
  attached?: unknown;
}

/** Length of a call without arguments, with its id and its name, as JSON. */
const emptyCallLength = 100;

/**
 * Assembles tool calls from their pieces. In OpenAI's API, each piece has the number of its call as `index`. Other servers give all calls
 * the number 0, leave out the number or the id, or send whole calls. If there is no number, pieces belong together by id; if there is no id
 * either, a new call begins as soon as the previous call is complete.
 */
export class ToolCallAssembly {
  readonly #calls: OpenCall[] = [];
  /** The last call with each number, and the first call with each id. */
  readonly #byIndex = new Map<number, OpenCall>();
  readonly #byId = new Map<string, OpenCall>();
  readonly #tools: readonly ToolName[];
  /** About how many characters the calls have as JSON. */
  length = 0;

  constructor(tools: readonly ToolName[]) {
    this.#tools = tools;
  }

  get count(): number {
    return this.#calls.length;
  }

  /** Adds the pieces in `given`, which is a list or, from older versions of TGI, one piece. Returns false if there are none. */
  push(given: unknown): boolean {
    const pieces = asObjects(asObject(given)?.function ? [given] : given);
    if (pieces.length === 0) return false;
    const taken = new Set<OpenCall>();
    for (const [position, piece] of pieces.entries()) {
      const open = this.#openCall(piece, pieces.length > 1 ? position : this.#calls.length - 1);
      const call = open && !taken.has(open) && !begins(piece, open, this.#tools) ? open : this.#begin(piece);
      taken.add(call);
      this.length += add(piece, call);
      if (call.id !== undefined && !this.#byId.has(call.id)) this.#byId.set(call.id, call);
    }
    return true;
  }

  /** Returns the calls, each with what the provider has attached to it. */
  finish(): (WrittenCall & Pick<OpenCall, "attached">)[] {
    return this.#calls
      .map(({ id, name = "", pieces, attached }) => ({ id, name, arguments: argumentsOf(pieces.all), attached }))
      .filter(firstOccurrence());
  }

  #openCall(piece: JsonObject, position: number): OpenCall | undefined {
    const index = asNumber(piece.index);
    if (index !== undefined) return this.#byIndex.get(index);
    return this.#byId.get(asText(piece.id) ?? "") ?? this.#calls[position];
  }

  #begin(piece: JsonObject): OpenCall {
    const index = asNumber(piece.index);
    const call: OpenCall = { pieces: new ArgumentPieces() };
    this.length += emptyCallLength;
    this.#calls.push(call);
    if (index !== undefined) this.#byIndex.set(index, call);
    return call;
  }
}

/**
 * Returns true if the piece begins a new call, although its number, id or position is that of the call `open`. Some servers repeat the name
 * in every piece, so a name alone does not begin a new call.
 */
function begins(piece: JsonObject, open: OpenCall, tools: readonly ToolName[]): boolean {
  const { name, arguments: given } = functionOf(piece);
  const id = asText(piece.id);
  if (!name || !open.name) return false;
  if (id && open.id && id !== open.id) return true;
  const isNamed = id !== undefined && id === open.id;
  if (name !== open.name) return isNamed ? open.pieces.whole !== undefined : !continuesName(open, name, tools);
  if (isNamed) return false;
  const { whole } = open.pieces;
  return whole !== undefined && given !== whole;
}

/**
 * Returns true if the piece continues the name of the open call. If the open call has no arguments yet, the piece may also be the name of a
 * second call. Without ids, only the names of the known tools tell these two cases apart.
 */
function continuesName({ name = "", pieces }: OpenCall, piece: string, tools: readonly ToolName[]): boolean {
  const isTool = (text: string) => tools.some((tool) => tool.name === text);
  if (!pieces.isBlank) return false;
  return isTool(name + piece) || piece.startsWith(name) || !(isTool(name) || isTool(piece));
}

/** Adds the piece to its call. Returns the number of characters that are kept of it. */
function add(piece: JsonObject, call: OpenCall): number {
  const { name, arguments: text } = functionOf(piece);
  call.id ??= asText(piece.id);
  if (name) call.name = nameWith(call, name);
  const attached = call.attached === undefined ? (piece.extra_content ?? undefined) : undefined;
  if (attached !== undefined) call.attached = attached;
  if (text) call.pieces.push(text);
  return text.length + (attached === undefined ? 0 : JSON.stringify(attached).length);
}

function functionOf(piece: JsonObject): { name: string | undefined; arguments: string } {
  const { name, arguments: given } = asObject(piece.function) ?? {};
  const text = typeof given === "string" ? given : given === undefined || given === null ? "" : JSON.stringify(given);
  return { name: asText(name), arguments: text };
}

/**
 * Returns the call's name after this piece. Some servers send the name once, some repeat it with each piece, some send it in pieces, and
 * some send the whole name so far in each piece.
 */
function nameWith({ name = "", pieces }: OpenCall, piece: string): string {
  if (piece.startsWith(name)) return piece;
  return pieces.all.length === 0 ? name + piece : name;
}

/** Returns the arguments as text. Returns `{}` for "", which some servers send for a tool without parameters. */
function argumentsOf(pieces: readonly string[]): string {
  const text = pieces.join("");
  if (text.trim() === "") return "{}";
  if (pieces.length === 1 || isObjectText(text)) return text;
  return repeated(pieces) ?? text;
}

/**
 * Returns the arguments without repetition if a server has sent them repeatedly, otherwise undefined. In some streams, each piece holds all
 * arguments so far. In some, the last piece repeats all of them. In some, the first piece is a mere `{}`, before the real arguments.
 */
function repeated(pieces: readonly string[]): string | undefined {
  const last = pieces.at(-1) ?? "";
  const before = pieces.slice(0, -1);
  if (isObjectText(last) && (before.every((piece) => last.startsWith(piece)) || before.join("") === last)) return last;
  const rest = pieces.slice(1).join("");
  return pieces[0] === "{}" && isObjectText(rest) ? rest : undefined;
}

function isObjectText(text: string): boolean {
  return asObject(parseJson(text)) !== undefined;
}
