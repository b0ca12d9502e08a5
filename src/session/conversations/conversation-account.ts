import { isBilled } from "../../core/event-facts.js";
import type { StoredEvent } from "../../core/events.js";
import type { Usage } from "../../core/messages.js";
import { addUsage, answersBilled, tokensText } from "../../core/token-usage.js";

/** Total usage of a conversation. The usage of turns that were taken back by a rewind is included. */
export interface ConversationAccount extends Usage {
  /** Total cost in USD of those requests whose cost is known. */
  usd: number;
  requests: number;
  /** Number of requests whose cost is unknown, because their price or usage is unknown. */
  unpriced: number;
  /** Tokens of the latest request and of its answer. The next request will begin with about as many tokens. */
  contextTokens?: number;
}

export function conversationAccount(events: readonly StoredEvent[]): ConversationAccount {
  const account: ConversationAccount = { inputTokens: 0, outputTokens: 0, usd: 0, requests: 0, unpriced: 0 };
  for (const event of events) {
    if (isBilled(event)) {
      for (const { usage, spent } of answersBilled(event)) count(account, usage, spent?.usd);
    }
    if (event.type === "assistant_message" && event.usage) {
      account.contextTokens = event.usage.inputTokens + event.usage.outputTokens;
    }
    if (event.type === "rewind") delete account.contextTokens;
  }
  return account;
}

function count(account: ConversationAccount, usage: Usage | undefined, usd: number | undefined): void {
  account.requests++;
  if (usage) addUsage(account, usage);
  if (usd === undefined) account.unpriced++;
  else account.usd += usd;
}

/** Formats the account on one line, such as `3 requests: 1200 tokens in, 80 out, $0.0031`. */
export function accountText(account: ConversationAccount): string {
  const { requests, usd, unpriced } = account;
  if (requests === 0) return "no request was sent yet";
  const counted = `${requests} request${requests === 1 ? "" : "s"}: ${tokensText(account)}`;
  if (unpriced === requests) return `${counted}, cost unknown`;
  return `${counted}, $${usd.toFixed(4)}${unpriced > 0 ? `, and ${unpriced} requests of unknown price` : ""}`;
}
