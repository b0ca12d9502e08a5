import type { ServerStatus } from "../../core/ports.js";
import type { ConversationAccount } from "../../session/conversations/conversation-account.js";
import { dollars } from "../shared/limit-text.js";

interface PromptFacts {
  model: string;
  servers: readonly ServerStatus[];
  account: ConversationAccount;
  /** Context window of the model, in tokens. Undefined if unknown. */
  contextWindow?: number;
}

/** Returns a line such as `openai/gpt-5 · 3 servers ready, 1 failed · 12.3k tokens, $0.0312 · context 8%`. */
export function promptFacts({ model, servers, account, contextWindow }: PromptFacts): string {
  return [model, serversText(servers), accountText(account), contextText(account, contextWindow)]
    .filter(Boolean)
    .join(" · ");
}

function serversText(servers: readonly ServerStatus[]): string {
  const counted = (...states: ServerStatus["state"][]) => servers.filter(({ state }) => states.includes(state)).length;
  const enabled = servers.length - counted("disabled");
  if (enabled === 0) return "";
  const facts: [number, string][] = [
    [counted("starting"), "starting"],
    [counted("needs_auth"), "to log in to"],
    [counted("failed"), "failed"],
  ];
  const ready = counted("ready", "degraded");
  const others = facts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [`${ready} server${ready === 1 ? "" : "s"} ready`, ...others].join(", ");
}

function accountText({ inputTokens, outputTokens, usd, requests, unpriced }: ConversationAccount): string {
  const tokens = inputTokens + outputTokens;
  if (tokens === 0) return "";
  const isFree = usd === 0 && unpriced === 0;
  const cost = unpriced === requests ? "" : isFree ? ", free" : `, ${dollars(usd)}${unpriced > 0 ? " and more" : ""}`;
  return `${shortCount(tokens)} tokens${cost}`;
}

function contextText({ contextTokens }: ConversationAccount, contextWindow: number | undefined): string {
  if (!contextTokens || !contextWindow) return "";
  return `context ${Math.min(100, Math.ceil((100 * contextTokens) / contextWindow))}%`;
}

/** Returns a count in short form, such as `980`, `12.3k` or `1.2M`. */
function shortCount(count: number): string {
  if (count < 1000) return String(count);
  return count < 999_950 ? `${(count / 1000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}
