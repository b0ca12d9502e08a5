import type { Question } from "./events.js";
import { isPlainObject, type JsonObject } from "./json.js";

export interface ApprovalAnswer {
  allow: boolean;
  /** How long the answer is remembered for later calls. Absent: the answer is for this call only. */
  remember?: ApprovalScope;
}

export interface GivenApproval extends ApprovalAnswer {
  /** Text that the model gets if the call is not allowed. */
  message?: string;
  /** Arguments with which the call runs in place of those that the model wrote. */
  arguments?: JsonObject;
}

/**
 * How long a person's answer to an approval question is remembered. `session`: in this conversation, until the host ends. `project`: in the
 * folder that the conversation's host, or its editor, works in. `always`: wherever the same server is used.
 */
const approvalScopes = ["session", "project", "always"] as const;
type ApprovalScope = (typeof approvalScopes)[number];

/**
 * Reads a person's answer to an approval question: `true`, `false` or `{"allow": boolean, "remember"?: "session" | "project" | "always",
 * "message"?: string, "arguments"?: object}`. For any other value, returns a description of the problem.
 */
function readApproval(value: unknown): GivenApproval | { problem: string } {
  if (typeof value === "boolean") return { allow: value };
  if (!isPlainObject(value) || typeof value.allow !== "boolean") {
    return { problem: 'expected true, false or {"allow": true or false, "remember": …, "arguments": …}' };
  }
  const { allow, message, remember: named = null, arguments: changed = null } = value;
  const remember = approvalScopes.find((scope) => scope === named);
  if (named !== null && !remember) {
    return { problem: `"remember" must be one of ${approvalScopes.map((scope) => `"${scope}"`).join(", ")}` };
  }
  if (changed !== null && !isPlainObject(changed)) return { problem: '"arguments" must be an object' };
  return {
    allow,
    ...(remember && { remember }),
    ...(typeof message === "string" && { message }),
    ...(changed !== null && { arguments: changed }),
  };
}

/** Returns the person's answer to a question about a call. A malformed answer counts as no. */
export function approvalIn(value: unknown): GivenApproval {
  const approval = readApproval(value);
  return "problem" in approval ? { allow: false } : approval;
}

/** True if the answer is `true` or `{"allow": true}`. Any other answer counts as no. */
export function isYes(value: unknown): boolean {
  return value === true || (isPlainObject(value) && value.allow === true);
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
