import type { Question } from "./events.js";
import { isPlainObject } from "./json.js";

export interface ApprovalAnswer {
  allow: boolean;
  /** How long the answer is remembered for later calls. Absent: the answer is for this call only. */
  remember?: ApprovalScope;
}

export interface GivenApproval extends ApprovalAnswer {
  /** Text that the model gets if the call is not allowed. */
  message?: string;
}

/**
 * How long a person's answer to an approval question is remembered. `session`: in this conversation, until the host ends. `project`: in the
 * folder that the conversation's host, or its editor, works in. `always`: wherever the same server is used.
 */
const approvalScopes = ["session", "project", "always"] as const;
type ApprovalScope = (typeof approvalScopes)[number];

/**
 * Reads a person's answer to an approval question: `true`, `false` or `{"allow": boolean, "remember"?: "session" | "project" | "always",
 * "message"?: string}`. For any other value, returns a description of the problem.
 */
export function readApproval(value: unknown): GivenApproval | { problem: string } {
  if (typeof value === "boolean") return { allow: value };
  if (typeof value !== "object" || value === null || !("allow" in value) || typeof value.allow !== "boolean") {
    return { problem: 'expected true, false or {"allow": true or false, "remember": …}' };
  }
  const { allow } = value;
  const note = "message" in value && typeof value.message === "string" ? { message: value.message } : {};
  if (!("remember" in value) || value.remember === undefined || value.remember === null) return { allow, ...note };
  const remember = approvalScopes.find((scope) => scope === value.remember);
  if (remember) return { allow, remember, ...note };
  return { problem: `"remember" must be one of ${approvalScopes.map((scope) => `"${scope}"`).join(", ")}` };
}

/** Returns what is wrong with an answer to a question. Undefined if it is valid. A malformed answer must not count as a no. */
export function problemInAnswer({ kind }: Question, value: unknown): string | undefined {
  if (kind !== "elicitation") {
    const approval = readApproval(value);
    return "problem" in approval ? approval.problem : undefined;
  }
  const isKnown = isPlainObject(value) && ["accept", "decline", "cancel"].some((action) => action === value.action);
  return isKnown || value === false ? undefined : 'expected {"action": "accept", "decline" or "cancel", "content": …}';
}
