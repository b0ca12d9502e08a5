import type { LostAnswer } from "../../core/messages.js";
import type { AnswerFold } from "../wires/wire.js";

/** Average number of bytes per token, for English and code. */
const bytesPerToken = 4;

/** Estimates the usage that is billed for an answer that broke off. Returns undefined if nothing of the answer had arrived. */
export function lostUsage(fold: AnswerFold): LostAnswer["usage"] | undefined {
  let ids = 0;
  const { message, usage } = fold.finish(
    () => `lost_${ids++}`,
    () => false,
  );
  const { content, reasoning = "", toolCalls } = message;
  const said = [content, reasoning, ...toolCalls.map((call) => call.arguments)].join("");
  if (!usage && said === "") return undefined;
  const outputTokens = Math.max(usage?.outputTokens ?? 0, Math.ceil(Buffer.byteLength(said) / bytesPerToken));
  return { ...usage, outputTokens };
}
