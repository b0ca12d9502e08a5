import { hash } from "node:crypto";
import type { ClaudeModel } from "./anthropic-models.js";
import { type Message, mergedMessages, systemBlocks } from "./messages-request.js";
import { isJson, type Json, listOf, Refusal, textOf } from "./refusal.js";

/** An answer that the mock gave out. */
interface IssuedAnswer {
  account: string;
  model: string;
  blocks: Json[];
}

interface IssuedThinking {
  answer: IssuedAnswer;
  block: Json;
  /** Hash of everything before the block except thinking. */
  prefix: string;
  /** Seals of all thinking before the block, in order. */
  thinkingBefore: string[];
}

export interface CheckedThinking {
  /** Blocks that the model does not see: those of another model, and those that the request allows to drop. */
  dropped: Set<Json>;
  transformations: Json[];
  lost: string[];
  /** The context to which the thinking of the answer will be bound. */
  binding: Binding;
}

const isThought = ({ type }: Json) => type === "thinking" || type === "redacted_thinking";
const sealOf = (block: Json) => textOf(block.type === "thinking" ? block.signature : block.data);

/** Thinking that the Messages mock has given out. The class checks the bytes, the place and the binding of blocks that come back. */
export class IssuedThoughts {
  readonly #bySeal = new Map<string, IssuedThinking>();
  readonly #byCall = new Map<string, IssuedAnswer>();
  /** Answers without calls; several may have the same text. */
  readonly #byText = new Map<string, IssuedAnswer[]>();

  /** Remembers an answer to a request. The check of the request has made its `binding`. */
  remember(body: Json, account: string, blocks: Json[], binding: Binding): void {
    const answer = { account, model: textOf(body.model), blocks };
    for (const block of blocks) {
      if (isThought(block))
        this.#bySeal.set(sealOf(block), { answer, block, prefix: binding.prefix, thinkingBefore: [...binding.seals] });
      if (block.type === "tool_use") this.#byCall.set(textOf(block.id), answer);
      if (block.type === "text" && !blocks.some(({ type }) => type === "tool_use"))
        this.#byText.set(textOf(block.text), [...(this.#byText.get(textOf(block.text)) ?? []), answer]);
      binding.add("assistant", block);
    }
  }

  check(body: Json, account: string, model: ClaudeModel): CheckedThinking {
    const messages = mergedMessages(body);
    const latest = messages.findLast(({ role }) => role === "assistant");
    if (isJson(body.thinking) && body.thinking.type === "enabled") checkManualStart(messages);
    const found: CheckedThinking = { dropped: new Set(), transformations: [], lost: [], binding: new Binding(body) };
    const { binding } = found;
    for (const message of messages) {
      for (const [index, block] of message.content.entries()) {
        if (isThought(block)) {
          const at = `messages.${message.index}.content.${index}`;
          this.#checkBlock(block, at, message === latest, { body, account, model }, binding, found);
        }
        if (!found.dropped.has(block)) binding.add(message.role, block);
      }
      if (message.role === "assistant") found.lost.push(...this.#lost(message, textOf(body.model), account));
    }
    if (latest) this.#checkLatest(latest);
    return found;
  }

  #checkBlock(
    block: Json,
    at: string,
    isLatest: boolean,
    { body, account, model }: { body: Json; account: string; model: ClaudeModel },
    binding: Binding,
    found: CheckedThinking,
  ): void {
    const issued = this.#bySeal.get(sealOf(block));
    const field = block.type === "thinking" ? "signature" : "data";
    const invalid = () => new Refusal(`${at}: Invalid \`${field}\` in \`${block.type}\` block`);
    if (!issued) throw invalid();
    if (model.isAccountBound && issued.answer.account !== account) throw invalid();
    if (!hasSameFields(block, issued.block)) throw isLatest ? modified(at) : invalid();
    if (issued.answer.model !== body.model) {
      found.dropped.add(block);
      return;
    }
    if (!model.isBinding || binding.holds(issued)) return;
    const blockBinding =
      isJson(body.thinking) && isJson(body.thinking.block_binding) ? body.thinking.block_binding : {};
    if (blockBinding.prefix_mismatch_behavior !== "drop_block")
      throw new Refusal(
        `${at}: Invalid \`signature\` in \`thinking\` block. The block is bound to a different conversation. Remove the block, or set \`thinking.block_binding.prefix_mismatch_behavior\` to "drop_block".`,
      );
    found.dropped.add(block);
    found.transformations.push({ type: "thinking_dropped", path: at, reason: "prefix_binding_mismatch" });
  }

  /** Checks the latest assistant message: its blocks stand as they were given out, with all or none of an answer's thinking. */
  #checkLatest({ content, index }: Message): void {
    const answers = new Set(content.filter(isThought).map((block) => this.#bySeal.get(sealOf(block))?.answer));
    const kinds = kindsOf(content);
    for (const answer of answers) {
      if (!answer) continue;
      const seals = content.filter(isThought).map(sealOf).join();
      const issuedSeals = answer.blocks.filter(isThought).map(sealOf).join();
      if (!seals.includes(issuedSeals) || !kinds.includes(kindsOf(answer.blocks)))
        throw modified(`messages.${index}.content.0`);
    }
  }

  #lost({ content }: Message, model: string, account: string): string[] {
    const sent = new Set(content.filter(isThought).map(sealOf));
    const answers = content.map((block) =>
      block.type === "tool_use"
        ? [this.#byCall.get(textOf(block.id))]
        : block.type === "text"
          ? this.#byText.get(textOf(block.text))
          : undefined,
    );
    // If several answers have the same text, one whose thinking is present is enough.
    const missing = answers.flatMap((same) => {
      const each = (same ?? []).map((answer) =>
        answer?.model === model && answer.account === account
          ? answer.blocks
              .filter(isThought)
              .map(sealOf)
              .filter((seal) => !sent.has(seal))
          : [],
      );
      return each.some((seals) => seals.length === 0) ? [] : (each[0] ?? []);
    });
    return [...new Set(missing)];
  }
}

/** Returns the types of a message's blocks in order. Adjacent texts count as one, because only the blocks around thinking are checked. */
const kindsOf = (blocks: readonly Json[]): string =>
  blocks
    .map(({ type }) => type)
    .filter((type, index, types) => type !== "text" || types[index - 1] !== "text")
    .join();

const modified = (at: string) =>
  new Refusal(
    `${at}: \`thinking\` or \`redacted_thinking\` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.`,
  );

/** Compares the fields of a block: their order is free, their values are not. */
const hasSameFields = (sent: Json, issued: Json) =>
  Object.keys(issued).every((key) => sent[key] === issued[key]) &&
  Object.keys(sent).length === Object.keys(issued).length;

function checkManualStart(messages: readonly Message[]): void {
  const last = messages.at(-1);
  const before = messages.at(-2);
  const first = before?.content[0];
  if (!last?.content.some(({ type }) => type === "tool_result") || !first || isThought(first)) return;
  throw new Refusal(
    `messages.${before.index}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first.type}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceeding the lastmost set of \`tool_use\` and \`tool_result\` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable \`thinking\`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking`,
  );
}

/** The context to which a thinking block is bound: tools, system, every block before it, and the thinking before it. */
class Binding {
  prefix: string;
  readonly seals: string[] = [];

  constructor(body: Json) {
    const tools = listOf(body.tools).filter(({ defer_loading }) => defer_loading !== true);
    this.prefix = hashOf("", JSON.stringify([tools.map(withoutMarks), systemBlocks(body).map(withoutMarks)]));
  }

  add(role: string, block: Json): void {
    if (isThought(block)) this.seals.push(sealOf(block));
    else this.prefix = hashOf(this.prefix, `${role} ${canonical(block)}`);
  }

  /** Returns whether the binding matches. Old thinking may be removed from the front, not from the middle. */
  holds({ prefix, thinkingBefore }: IssuedThinking): boolean {
    const left = thinkingBefore.slice(thinkingBefore.length - this.seals.length);
    return prefix === this.prefix && this.seals.length <= thinkingBefore.length && left.join() === this.seals.join();
  }
}

const hashOf = (before: string, text: string) => hash("sha1", `${before}\0${text}`, "base64");

/** Returns a block without its cache marks and those of its inner blocks. */
export const withoutMarks = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "cache_control" ? undefined : inner)));

/** Texts of parsed blocks, which never change. A request needs each text more than once. */
const known = new WeakMap<Json, string>();

/** Returns the text that the model reads from a block. The order of the block's own keys does not matter; the order inside `input` does. */
export function canonical(block: Json): string {
  const text = known.get(block) ?? canonicalText(block);
  known.set(block, text);
  return text;
}

function canonicalText(block: Json): string {
  if (block.type === "text") return JSON.stringify(["text", block.text]);
  if (block.type === "tool_use") return JSON.stringify(["tool_use", block.id, block.name, block.input]);
  if (block.type === "tool_result") {
    const { content } = block;
    const inner = typeof content === "string" ? [{ type: "text", text: content }] : listOf(content);
    const start = JSON.stringify(["tool_result", block.tool_use_id, block.is_error === true]);
    return `${start}${inner.map(canonical).join()}`;
  }
  return JSON.stringify(withoutMarks(block));
}
