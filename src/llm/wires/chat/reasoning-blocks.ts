import { asNumber, asObjects, asText, type JsonObject } from "../../../core/json.js";

/** Keys whose text arrives in pieces that are joined. For any other key, the last value replaces the earlier ones. */
const growing = ["text", "summary"] as const;

/**
 * Assembles `reasoning_details` (OpenRouter, MiniMax): signed blocks that the provider wants back unchanged and in order. Pieces of one
 * block are consecutive and have the same type and index. Encrypted data arrives whole.
 */
export class ReasoningBlocks {
  readonly #blocks: JsonObject[] = [];
  /** The encrypted data of all blocks, by the type of their block. */
  readonly #encrypted = new Map<unknown, Set<string>>();

  /** Returns the readable text of the pieces, or "". */
  push(list: unknown): string {
    const pieces = asObjects(list);
    for (const piece of pieces) this.#add(piece);
    return pieces.flatMap((piece) => growing.map((key) => asText(piece[key]) ?? "")).join("");
  }

  get all(): readonly JsonObject[] {
    return this.#blocks;
  }

  #add(piece: JsonObject): void {
    const last = this.#blocks.at(-1);
    if (last && continues(piece, last)) extend(last, piece);
    // Skips a block that was already added, because a later chunk or the whole message may repeat blocks.
    else if (!this.#repeatsData(piece)) this.#blocks.push({ ...piece });
  }

  /** Returns true if an earlier block has the same encrypted data. Remembers the data otherwise. */
  #repeatsData(piece: JsonObject): boolean {
    const data = asText(piece.data);
    if (data === undefined) return false;
    const known = this.#encrypted.get(piece.type) ?? new Set();
    this.#encrypted.set(piece.type, known);
    if (known.has(data)) return true;
    known.add(data);
    return false;
  }
}

function continues(piece: JsonObject, block: JsonObject): boolean {
  if (piece.type !== block.type || asText(piece.data) !== undefined) return false;
  if (asNumber(piece.index) !== asNumber(block.index)) return false;
  const id = asText(piece.id);
  if (id !== undefined && asText(block.id) !== undefined && id !== block.id) return false;
  // A signature ends its block: further pieces of text then belong to a new block.
  return asText(block.signature) === undefined || growing.every((key) => asText(piece[key]) === undefined);
}

function extend(block: JsonObject, piece: JsonObject): void {
  for (const [key, value] of Object.entries(piece)) {
    if (value === null || value === undefined) continue;
    const isGrowing = (growing as readonly string[]).includes(key) && typeof value === "string";
    block[key] = isGrowing ? (asText(block[key]) ?? "") + value : value;
  }
}
