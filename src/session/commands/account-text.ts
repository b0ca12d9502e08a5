import { tokensText } from "../../core/token-usage.js";
import type { ConversationAccount } from "../conversations/conversation-account.js";

/** Formats the account on one line, such as `3 requests: 1200 tokens in, 80 out, $0.0031`. */
export function accountText(account: ConversationAccount): string {
  const { requests, usd, unpriced } = account;
  if (requests === 0) return "nothing was asked yet";
  const counted = `${requests} request${requests === 1 ? "" : "s"}: ${tokensText(account)}`;
  if (unpriced === requests) return `${counted}, cost unknown`;
  return `${counted}, $${usd.toFixed(4)}${unpriced > 0 ? `, and ${unpriced} requests of unknown price` : ""}`;
}
