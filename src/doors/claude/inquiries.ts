/** Sends the questions of a turn to the controlling program as control requests. The answers have the form that `session.answer` takes. */

import { isDeepStrictEqual } from "node:util";
import type { ApprovalQuestion, Elicitation } from "../../core/events.js";
import { asObject, asObjects } from "../../core/json.js";
import { toolInput } from "./content-blocks.js";

type AskableQuestion = ApprovalQuestion | Elicitation;

interface InquiryParts {
  answer: (questionId: string, value: unknown) => void;
  /** Cancels the current turn. Called when the program denies a call and also asks to interrupt the turn. */
  interrupt: () => void;
  write: (message: object) => Promise<void>;
}

/** Open questions. The control request of a question has the same id as the question. */
export class Inquiries {
  readonly #parts: InquiryParts;
  readonly #open = new Map<string, AskableQuestion>();
  readonly #known = new Set<string>();

  constructor(parts: InquiryParts) {
    this.#parts = parts;
  }

  async ask(questionId: string, question: AskableQuestion): Promise<void> {
    this.#open.set(questionId, question);
    this.#known.add(questionId);
    const request = question.kind === "approval" ? permissionRequest(question) : elicitationRequest(question);
    await this.#parts.write({ type: "control_request", request_id: questionId, request });
  }

  /**
   * Answers the question with this id. Returns false if no question ever had this id. A late answer to a closed question is ignored without
   * an error.
   */
  settle(questionId: string, value: unknown, isError: boolean): boolean {
    const question = this.#open.get(questionId);
    if (!question) return this.#known.has(questionId);
    this.#open.delete(questionId);
    const response = isError ? {} : (asObject(value) ?? {});
    if (question.kind === "elicitation") this.#parts.answer(questionId, elicited(response));
    else {
      this.#parts.answer(questionId, approvalOf(response, question));
      if (response.behavior === "deny" && response.interrupt === true) this.#parts.interrupt();
    }
    return true;
  }

  /** Withdraws the control request of a question that was answered elsewhere. */
  async over(questionId: string): Promise<void> {
    if (!this.#open.delete(questionId)) return;
    await this.#parts.write({ type: "control_cancel_request", request_id: questionId });
  }

  /** Denies all open questions. Called when the program can no longer answer. */
  leave(): void {
    const open = [...this.#open.keys()];
    this.#open.clear();
    for (const questionId of open) this.#parts.answer(questionId, false);
  }
}

function permissionRequest({ call, reason, onceOnly }: ApprovalQuestion): object {
  const always = {
    type: "addRules",
    rules: [{ toolName: call.name }],
    behavior: "allow",
    destination: "session",
  };
  return {
    subtype: "can_use_tool",
    tool_name: call.name,
    input: toolInput(call.arguments),
    tool_use_id: call.id,
    decision_reason: reason,
    ...(onceOnly ? { suppress_always_allow_rule: true } : { permission_suggestions: [always] }),
  };
}

function elicitationRequest(question: Elicitation): object {
  const { server, message } = question;
  const asked =
    "form" in question ? { mode: "form", requested_schema: question.form } : { mode: "url", url: question.url };
  return { subtype: "elicitation", mcp_server_name: server, message, ...asked };
}

/**
 * Converts the program's response to an approval. Only a clear yes allows the call. A denial is returned as an object that may have a
 * message for the model, because a plain `false` would mean that nobody could be asked.
 */
function approvalOf(response: Record<string, unknown>, { call }: ApprovalQuestion): unknown {
  const { behavior, message, updatedInput, updatedPermissions } = response;
  if (behavior === "deny") return { allow: false, ...(typeof message === "string" && message && { message }) };
  if (behavior !== "allow") return { allow: false, message: 'the answer was neither "allow" nor "deny"' };
  if (updatedInput !== undefined && !isDeepStrictEqual(updatedInput, toolInput(call.arguments))) {
    return { allow: false, message: "it was allowed with another input, and this host changes none" };
  }
  if (asObjects(updatedPermissions).some(isRestricting)) {
    return {
      allow: false,
      message: "it was allowed together with a rule or mode that restricts tools, and this host takes none",
    };
  }
  const remember = scopeOf(updatedPermissions, call.name);
  return remember ? { allow: true, remember } : true;
}

/** Permission modes in which no call is denied or asked about that the mode before allowed. */
const permittingModes: readonly unknown[] = ["acceptEdits", "auto", "bypassPermissions"];

/** True if the update denies or asks about tools, or takes back that they are allowed. */
function isRestricting({ type, behavior, mode }: Record<string, unknown>): boolean {
  if (type === "setMode") return !permittingModes.includes(mode);
  const isRemoval = type === "removeRules";
  const isRule = isRemoval || type === "addRules" || type === "replaceRules";
  return isRule && isRemoval === (behavior === "allow");
}

const scopes: ReadonlyMap<unknown, string> = new Map([
  ["session", "session"],
  ["localSettings", "project"],
  ["projectSettings", "project"],
  ["userSettings", "always"],
]);

/**
 * Finds a rule in `updates` that allows the whole tool. Returns how long the rule is to be kept. Undefined if no rule allows the whole
 * tool.
 */
function scopeOf(updates: unknown, toolName: string): string | undefined {
  for (const update of asObjects(updates)) {
    const rules = asObjects(update.rules);
    const isMeant = rules.some((rule) => rule.toolName === toolName && rule.ruleContent === undefined);
    const scope = scopes.get(update.destination);
    if (update.type === "addRules" && update.behavior === "allow" && isMeant && scope) return scope;
  }
  return undefined;
}

function elicited({ action, content }: Record<string, unknown>): unknown {
  if (action === "accept") return { action, content: asObject(content) ?? {} };
  return { action: action === "cancel" ? action : "decline" };
}
