/** Asks the user the questions of a turn, through the ACP client. The results have the form that `session.answer` takes. */

import type {
  AgentContext,
  ClientCapabilities,
  CreateElicitationRequest,
  CreateElicitationResponse,
  PermissionOption,
  SendRequestOptions,
  SessionUpdate,
  ToolCallUpdate,
} from "@agentclientprotocol/sdk";
import { methods } from "@agentclientprotocol/sdk";
import type { ApprovalQuestion, Elicitation, QuestionEvent } from "../../core/events.js";
import { asObject } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import { limitAnswers, limitText } from "../shared/limit-text.js";
import { rawInput } from "./content.js";

export interface Asking {
  client: AgentContext;
  capabilities: ClientCapabilities;
  sessionId: string;
  toolCallId: (callId: string) => string;
  /** Aborts when the answer is no longer needed. The request to the client is then cancelled. */
  over: AbortSignal;
}

const once: PermissionOption[] = [
  { optionId: "allow_once", name: "Allow once", kind: "allow_once" },
  { optionId: "reject_once", name: "Reject", kind: "reject_once" },
];
const always: PermissionOption[] = [
  { optionId: "allow_once", name: "Allow once", kind: "allow_once" },
  { optionId: "allow_always", name: "Always allow in this session", kind: "allow_always" },
  { optionId: "reject_once", name: "Reject", kind: "reject_once" },
  { optionId: "reject_always", name: "Always reject in this session", kind: "reject_always" },
];

/** Resolves with the user's answer. Rejects if the client cannot answer; callers treat this as a no. */
export async function askClient({ questionId, question }: QuestionEvent, asking: Asking): Promise<unknown> {
  switch (question.kind) {
    case "approval":
      return askApproval(question, asking);
    case "elicitation":
      return elicit(questionId, question, asking);
    case "sampling": {
      const { server, prompt, maxTokens } = question;
      const title = `${server} asks the model for up to ${maxTokens} tokens, at your cost`;
      return askYesOrNo(questionId, { title, detail: prompt }, asking);
    }
    case "limit":
      return askYesOrNo(questionId, { title: `${limitText(question)}: ${limitAnswers.yes}?` }, asking);
  }
}

async function askApproval(question: ApprovalQuestion, asking: Asking): Promise<unknown> {
  const { call, server, tool, reason, onceOnly } = question;
  const options = onceOnly ? always.filter(({ kind }) => kind !== "allow_always") : always;
  const chosen = await choose(asking, options, {
    toolCallId: asking.toolCallId(call.id),
    title: `${server}.${tool}`,
    rawInput: rawInput(call.arguments),
    content: [{ type: "content", content: { type: "text", text: reason } }],
  });
  if (chosen === "allow_always") return { allow: true, remember: "session" };
  if (chosen === "reject_always") return { allow: false, remember: "session" };
  return chosen === "allow_once";
}

/** Shows the question as a tool call, since ACP can ask only about tool calls. The tool call ends when the question is answered. */
async function askYesOrNo(
  questionId: string,
  { title, detail }: { title: string; detail?: string },
  asking: Asking,
): Promise<boolean> {
  const { client, sessionId } = asking;
  const content = detail ? [{ type: "content" as const, content: { type: "text" as const, text: detail } }] : [];
  const shown = { toolCallId: questionId, title, kind: "other" as const, content };
  const show = (update: SessionUpdate) => client.notify(methods.client.session.update, { sessionId, update });
  await show({ sessionUpdate: "tool_call", ...shown, status: "pending" });
  const isAllowed = (await choose(asking, once, shown)) === "allow_once";
  const status = isAllowed || asking.over.aborted ? "completed" : "failed";
  await show({ sessionUpdate: "tool_call_update", toolCallId: questionId, status });
  return isAllowed;
}

/** Resolves with the id of the chosen option. Resolves with undefined if the turn was cancelled, or the question was over, before the user chose. */
async function choose(
  { client, sessionId, over }: Asking,
  options: PermissionOption[],
  toolCall: ToolCallUpdate,
): Promise<string | undefined> {
  try {
    const { outcome } = await client.request(
      methods.client.session.requestPermission,
      { sessionId, toolCall, options },
      cancelledBy(over),
    );
    return outcome.outcome === "selected" ? outcome.optionId : undefined;
  } catch (error) {
    if (over.aborted) return undefined;
    throw error;
  }
}

/** Options of a request to the client. Not every client answers a cancelled request. */
function cancelledBy(over: AbortSignal): SendRequestOptions {
  return { cancellationSignal: over, stopWaitingOnCancel: true };
}

async function elicit(questionId: string, question: Elicitation, asking: Asking): Promise<unknown> {
  const request = elicitationOf(questionId, question, asking);
  if (!request) return { action: "decline" };
  const { action, content }: CreateElicitationResponse & { content?: unknown } = await asking.client.request(
    methods.client.elicitation.create,
    request,
    cancelledBy(asking.over),
  );
  return action === "accept" ? { action, content: content ?? {} } : { action };
}

/** Returns the elicitation request for a question. Undefined if the client cannot show the question. */
function elicitationOf(
  questionId: string,
  question: Elicitation,
  { capabilities: { elicitation }, sessionId }: Asking,
): CreateElicitationRequest | undefined {
  const message = `${question.server}: ${question.message}`;
  if ("url" in question) {
    if (!elicitation?.url) return undefined;
    return { mode: "url", sessionId, elicitationId: questionId, message, url: question.url };
  }
  if (!elicitation?.form || !isFlat(question.form)) return undefined;
  const { properties, required } = question.form;
  const requestedSchema = { type: "object", properties: properties ?? {}, required: required ?? [] };
  return { mode: "form", sessionId, message, requestedSchema } as CreateElicitationRequest;
}

/** Returns true if every field has a single simple type. Forms of ACP and of MCP require this. */
function isFlat({ properties = {} }: JsonSchema): boolean {
  return Object.values(asObject(properties) ?? {}).every((field) => typeof asObject(field)?.type === "string");
}
