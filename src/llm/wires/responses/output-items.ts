import { asNumber, asText, type JsonObject } from "../../../core/json.js";
import { GrowingText } from "../shared/growing-text.js";

export interface OutputItem {
  /** The item as the server last sent it. Its text and arguments are complete only if `isWhole` is true. */
  native: JsonObject;
  /** Position of the item in the order in which items arrived. */
  position: number;
  /** Position of the item as the server states it. If the server states none, this is `position`. */
  index: number;
  pieces: GrowingText;
  /** The form of reasoning that is shown, which is the one that arrives first. A model that sends both forms says the same in both. */
  thinks?: "summary" | "content";
  isWhole: boolean;
}

/** The items of an answer, in the order in which they arrived. Finds the item that an event means. */
export class OutputItems {
  readonly #all: OutputItem[] = [];
  readonly #byId = new Map<string, OutputItem>();
  /** The newest call of each `call_id`. */
  readonly #byCallId = new Map<string, OutputItem>();
  /** The newest item of each type and stated position. */
  readonly #byPosition = new Map<string, OutputItem>();

  get all(): readonly OutputItem[] {
    return this.#all;
  }

  add(native: JsonObject, { output_index }: JsonObject): OutputItem {
    const position = this.#all.length;
    const index = asNumber(output_index) ?? position;
    const item: OutputItem = { native, position, index, pieces: new GrowingText(), isWhole: false };
    this.#all.push(item);
    const id = asText(native.id);
    if (id !== undefined) this.#byId.set(id, item);
    const callId = asText(native.call_id);
    if (callId !== undefined) this.#byCallId.set(callId, item);
    this.#byPosition.set(`${native.type} ${index}`, item);
    return item;
  }

  /**
   * Finds an item by its id or, if no id matches, by its position. Both are needed: gateways give the item a new id in each event, and
   * llama.cpp sends no positions. The match by position may be an earlier item, since some gateways state the same position for every call: see
   * `haveOtherIds`.
   */
  find({ output_index, item_id }: JsonObject, { type, id }: JsonObject): OutputItem | undefined {
    return (
      this.#byId.get(asText(item_id) ?? asText(id) ?? "") ?? this.#byPosition.get(`${type} ${asNumber(output_index)}`)
    );
  }

  /**
   * Finds the item that a whole item completes. The match by id or position is taken if no ids conflict. Otherwise the newest call with the same
   * `call_id` is taken, because gateways, and llama.cpp before June 2026, send calls without item ids and positions. Some servers give several
   * calls one `call_id`, so a call that has ended is taken only for the final response, and only if the arguments are the same. Otherwise the match
   * is returned in spite of its ids. `streamed`: the number of items before the final response; 0 while it streams.
   */
  findCompleted(event: JsonObject, native: JsonObject, streamed = 0): OutputItem | undefined {
    const found = this.find(event, native);
    if (found && !haveOtherIds(found.native, native)) return found;
    const call = this.#byCallId.get(asText(native.call_id) ?? "");
    if (!call) return found;
    const isRepeated = call.position < streamed && call.native.arguments === native.arguments;
    return !call.isWhole || isRepeated ? call : found;
  }
}

/** Returns true if both have an id of the same kind and these ids differ. `call_id` is compared if both have one. */
export function haveOtherIds(a: JsonObject, b: JsonObject): boolean {
  const key = ["call_id", "id"].find((key) => asText(a[key]) !== undefined && asText(b[key]) !== undefined);
  return key !== undefined && a[key] !== b[key];
}
