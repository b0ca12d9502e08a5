/** What was said and done in a script, as text that is the same in every run of it. */
import type { StoredEvent } from "../../core/chat.js";
import { idPattern } from "../../core/ids.js";
import { isMapping } from "../../core/tree.js";
import { inCallOrder } from "./call-order.js";

export interface Spoken {
  /** Of the conversation. */
  name: string;
  events: readonly StoredEvent[];
}

/** JSON lines: the stored events of one conversation after the other. Ids are numbered by appearance, times are left out. */
export function transcriptOf(conversations: readonly Spoken[]): string {
  const ids = new Ids();
  return conversations
    .flatMap(({ name, events }) =>
      inCallOrder(events).map(({ seq: _, at: __, ...event }) => {
        if (event.type === "assistant_message") for (const { id } of event.message.toolCalls) ids.note(id, "call");
        return `${JSON.stringify({ conversation: name, ...(ids.renamed(event) as object) })}\n`;
      }),
    )
    .join("");
}

/** New names for ids, by the order in which they appear. */
class Ids {
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  note(id: string, prefix: string): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const count = (this.#counts.get(prefix) ?? 0) + 1;
    this.#counts.set(prefix, count);
    const name = `${prefix}_${count}`;
    this.#names.set(id, name);
    return name;
  }

  renamed(value: unknown, key = ""): unknown {
    if (Array.isArray(value)) return value.map((item) => this.renamed(item));
    if (isMapping(value)) {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.renamed(item, name)]));
    }
    if (typeof value !== "string") return value;
    // The ids of calls are the provider's: any text may be one, so they are known by their place alone.
    const name = key === "id" || key === "callId" ? this.#names.get(value) : undefined;
    return name ?? value.replaceAll(idPattern, (id, prefix: string) => this.note(id, prefix));
  }
}
