/** Asks an MCP client: its user for answers, and its model for texts. */
import type { RequestHandlerExtra, RequestOptions } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  type ClientCapabilities,
  CreateMessageResultWithToolsSchema,
  ElicitResultSchema,
  type ServerNotification,
  type ServerRequest,
} from "@modelcontextprotocol/sdk/types.js";
import { LinkedAbort } from "../../core/async/abort.js";
import { longestTimerMs } from "../../core/async/timers.js";
import type { Question } from "../../core/events.js";
import { visibleJson } from "../../core/text/inert.js";
import { limitAnswers, limitText } from "../shared/limit-text.js";

export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Timeout of requests to the client, in ms. It is the longest possible timeout, since a person may take any time to answer. */
const personTimeoutMs = longestTimerMs;

type Requester = Pick<Extra, "sendRequest" | "signal">;

/** Returns the client with a signal that also aborts with `over`. The client is then told that its answer is no longer needed. */
export function until(over: AbortSignal | undefined, { sendRequest, signal }: Requester): Requester {
  return { sendRequest, signal: over ? AbortSignal.any([signal, over]) : signal };
}

/** Runs a request to the client. If the signal aborts before the response, the client is told that the request is cancelled. */
async function untilAnswered<T>(signal: AbortSignal, request: (options: RequestOptions) => Promise<T>): Promise<T> {
  using open = new LinkedAbort(signal); // the SDK would send the cancellation even after the response
  return await request({ signal: open.signal, timeout: personTimeoutMs });
}

/**
 * Resolves with the user's answer to a question of a turn or a call, in the form that `session.answer` takes. Never rejects: the answer is
 * no if the client cannot ask the user or the request to the client fails.
 */
export async function askClient(
  question: Question,
  extra: Requester,
  capabilities: ClientCapabilities | undefined,
): Promise<unknown> {
  const elicitation = capabilities?.elicitation;
  const hasForms = elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
  const no = question.kind === "elicitation" ? { action: "decline" } : false;
  const elicit = async (params: object) => {
    try {
      const request = { method: "elicitation/create", params } as ServerRequest;
      return await untilAnswered(extra.signal, (options) => extra.sendRequest(request, ElicitResultSchema, options));
    } catch {
      return { action: "decline" as const };
    }
  };
  if (question.kind === "elicitation" && "url" in question) {
    const { server, message, url } = question;
    if (!elicitation?.url) return no;
    return elicit({ mode: "url", elicitationId: crypto.randomUUID(), message: `${server}: ${message}`, url });
  }
  if (!hasForms) return no;
  if (question.kind === "elicitation") {
    return elicit({ message: `${question.server}: ${question.message}`, requestedSchema: formOf(question.form) });
  }
  const yes = question.kind === "approval" ? "once" : "yes";
  const always = question.kind === "approval" && !question.onceOnly ? ["always in this session"] : [];
  const answer = { type: "string", title: "Allow", enum: [yes, ...always, "no"] };
  const requestedSchema = { type: "object", properties: { answer }, required: ["answer"] };
  const { action, content } = await elicit({ message: textOfQuestion(question), requestedSchema });
  if (action !== "accept") return false;
  const chosen = String(content?.answer);
  return always.includes(chosen) ? { allow: true, remember: "session" } : chosen === yes;
}

function textOfQuestion(question: Exclude<Question, { kind: "elicitation" }>): string {
  switch (question.kind) {
    case "approval":
      return `${question.reason}\n${visibleJson(question.call.arguments)}\nRun ${question.server}.${question.tool}?`;
    case "sampling":
      return `${question.server} asks the model for up to ${question.maxTokens} tokens, at your cost:\n${question.prompt}`;
    case "limit":
      return `${limitText(question)}: ${limitAnswers.yes}?`;
  }
}

/** Returns the form as the schema of an object. Adds `properties` if it is absent, because the specification requires this field. */
function formOf(form: Record<string, unknown>): object {
  return { properties: {}, ...form, type: "object" };
}

/**
 * Passes a server's sampling request on to the client. The client asks its user and pays for the model. Returns undefined if the client
 * does not support the request. Rejects with the client's error.
 */
export function sampleByClient(
  { _meta: ofTheServersRequest, ...params }: Record<string, unknown>,
  extra: Requester,
  capabilities: ClientCapabilities | undefined,
): Promise<Record<string, unknown>> | undefined {
  const { sampling } = capabilities ?? {};
  const hasTools = params.tools !== undefined || params.toolChoice !== undefined;
  if (!sampling || (hasTools && !sampling.tools)) return undefined;
  const request = { method: "sampling/createMessage", params } as ServerRequest;
  return untilAnswered(extra.signal, (options) =>
    extra.sendRequest(request, CreateMessageResultWithToolsSchema, options),
  );
}
