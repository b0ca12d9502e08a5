import { type Json, Refusal, textOf } from "./refusal.js";

/** The items of one answer and the account and family to which they are bound. */
export interface IssuedAnswer {
  account: string;
  family: string;
  items: Json[];
}

interface IssuedItem {
  answer: IssuedAnswer;
  item: Json;
  index: number;
}

/**
 * Items that the Responses mock has given out. It checks that reasoning comes back byte for byte, from the account and family that it was
 * given to, and next to the item that it was given with.
 */
export class IssuedReasoning {
  readonly #byContent = new Map<string, IssuedItem>();
  readonly #byCall = new Map<string, IssuedItem>();
  readonly #byId = new Map<string, IssuedItem>();
  /** Messages by text; several answers may have the same text. */
  readonly #byText = new Map<string, IssuedItem[]>();

  remember(answer: IssuedAnswer): void {
    for (const [index, item] of answer.items.entries()) {
      const issued = { answer, item, index };
      this.#byId.set(textOf(item.id), issued);
      if (item.type === "reasoning") this.#byContent.set(textOf(item.encrypted_content), issued);
      if (item.type === "function_call") this.#byCall.set(textOf(item.call_id), issued);
      if (item.type === "message")
        this.#byText.set(messageText(item), [...(this.#byText.get(messageText(item)) ?? []), issued]);
    }
  }

  /** Refuses reasoning, calls and outputs that do not fit together. */
  check(input: readonly Json[], account: string, family: string): void {
    for (const [index, item] of input.entries()) {
      if (item.type === "reasoning" || item.type === "compaction") this.#checkSealed(item, account, family);
      if (item.type === "reasoning") this.#checkFollower(item, input[index + 1]);
      else this.#checkLeader(item, input.slice(0, index));
    }
    checkOutputs(input);
  }

  #checkSealed(item: Json, account: string, family: string): void {
    const id = textOf(item.id);
    const content = textOf(item.encrypted_content);
    if (!content)
      throw new Refusal(
        `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
        { status: 404, param: "input" },
      );
    const unverified = (reason: string) =>
      new Refusal(`The encrypted content for item ${id || "rs_unknown"} could not be verified. Reason: ${reason}`, {
        code: "invalid_encrypted_content",
      });
    const issued = this.#byContent.get(content);
    if (!issued) throw unverified("Encrypted content could not be decrypted or parsed.");
    if (issued.answer.account !== account)
      throw unverified("Encrypted content organization_id did not match the target organization.");
    if (issued.answer.family !== family) throw unverified("Encrypted content could not be decrypted or parsed.");
    if (id && id !== issued.item.id) throw unverified("Encrypted content item_id did not match the target item id.");
    if (JSON.stringify(item.summary) !== JSON.stringify(issued.item.summary))
      throw unverified("Encrypted content summary did not match the item.");
  }

  #checkFollower(item: Json, next: Json | undefined): void {
    const issued = this.#byContent.get(textOf(item.encrypted_content));
    if (!issued) return;
    // Reasoning that was cut off by length has no partner, and cannot be sent back.
    const partner = issued.answer.items[issued.index + 1];
    if (!partner || !next || !isSame(partner, next))
      throw new Refusal(
        `Item '${issued.item.id}' of type 'reasoning' was provided without its required following item.`,
        { param: "input" },
      );
  }

  /** Refuses an item that is sent with its id but without the reasoning before it. */
  #checkLeader(item: Json, before: readonly Json[]): void {
    const issued = this.#byId.get(textOf(item.id));
    const leader = issued && issued.index > 0 ? issued.answer.items[issued.index - 1] : undefined;
    if (!issued || leader?.type !== "reasoning" || before.at(-1)?.encrypted_content === leader.encrypted_content)
      return;
    throw new Refusal(
      `Item '${item.id}' of type '${issued.item.type}' was provided without its required 'reasoning' item: '${leader.id}'.`,
      { param: "input" },
    );
  }

  /** Returns a warning for each message that comes back with another phase than it was given out with. */
  lostPhases(input: readonly Json[]): string[] {
    return input.flatMap((item) => {
      const same = item.role === "assistant" ? (this.#byText.get(messageText(item)) ?? []) : [];
      const phases = same.map((issued) => issued.item.phase);
      return phases.length === 0 || phases.includes(item.phase) ? [] : [`the phase ${phases[0]} was not sent back`];
    });
  }

  /** Returns the ids of reasoning that is missing although its call or message is in the input. */
  lost(input: readonly Json[], account: string, family: string): string[] {
    const sent = new Set(input.map((item) => item.encrypted_content));
    const leaderOf = ({ answer, index }: IssuedItem) => {
      const leader = answer.account === account && answer.family === family ? answer.items[index - 1] : undefined;
      return leader?.type === "reasoning" && !sent.has(leader.encrypted_content) ? [textOf(leader.id)] : [];
    };
    const lost = input.flatMap((item) => {
      const call = item.type === "function_call" ? this.#byCall.get(textOf(item.call_id)) : undefined;
      const same = item.role === "assistant" ? (this.#byText.get(messageText(item)) ?? []) : call ? [call] : [];
      const each = same.map(leaderOf);
      // If several answers have the same text, one whose reasoning is present is enough.
      return each.some((ids) => ids.length === 0) ? [] : (each[0] ?? []);
    });
    return [...new Set(lost)];
  }
}

function isSame(issued: Json, sent: Json): boolean {
  if (issued.type === "message") return sent.role === "assistant" && messageText(sent) === messageText(issued);
  if (issued.type === "function_call") return sent.type === "function_call" && sent.call_id === issued.call_id;
  return sent.type === issued.type && sent.encrypted_content === issued.encrypted_content;
}

function messageText({ content }: Json): string {
  if (typeof content === "string") return content;
  const parts = Array.isArray(content) ? (content as Json[]) : [];
  return parts.map((part) => textOf(part.text) + textOf(part.refusal)).join("");
}

function checkOutputs(input: readonly Json[]): void {
  const callIds = input.filter(({ type }) => type === "function_call").map(({ call_id }) => textOf(call_id));
  const outputIds = input.filter(({ type }) => type === "function_call_output").map(({ call_id }) => textOf(call_id));
  const param = { param: "input" };
  for (const [index, item] of input.entries()) {
    if (item.type === "function_call_output") {
      const isKnown = input.slice(0, index).some((one) => one.type === "function_call" && one.call_id === item.call_id);
      if (!isKnown)
        throw new Refusal(`No tool call found for function call output with call_id ${item.call_id}.`, param);
    }
  }
  const open = callIds.find((id) => !outputIds.includes(id));
  if (open !== undefined) throw new Refusal(`No tool output found for function call ${open}.`, param);
  const twice = [callIds, outputIds].flatMap((ids) => ids.filter((id, index) => ids.indexOf(id) !== index))[0];
  if (twice !== undefined) throw new Refusal(`Duplicate item found with call_id ${twice}.`, param);
}
