import { ScriptError } from "../../core/errors.js";
import { parseJson } from "../../core/json.js";
import { textOf } from "../../core/messages.js";
import type { HubTool } from "../../core/ports.js";
import { didYouMean } from "../../core/text/nearest.js";
import { isDeniedResult } from "../../session/conversations/called-tools.js";
import { callTool } from "../../session/direct-call.js";
import type { StepOf } from "../shared/script.js";
import { stepFailureOf } from "../shared/script-result.js";
import { render, renderText } from "../shared/templates.js";
import { type Performed, plainOutcome, type StepContext } from "./performed.js";
import { notOffered, untilOffered } from "./server-wait.js";

/**
 * Calls a tool. Rejects with ScriptError for an unknown tool or variable, and with RequestError if a server that
 * may have the tool is down. If the tool returns an error, the step gets a failure, but
 * assertions of the step may expect it.
 */
export async function performTool(step: StepOf<"tool">, context: StepContext): Promise<Performed> {
  const { host, variables, conversation, answers, limits, rules } = context;
  const args = render(step.args, variables, step.position);
  const { name, server, tool } = await findTool(renderText(step.tool, variables, step.position), context);
  const id = conversation.nextRequestId();
  let structured: unknown;
  let hasAnswered = false;
  const startedAt = host.now();
  const result = await callTool(
    host.hub,
    { id, name, arguments: JSON.stringify(args) },
    {
      rules,
      signal: limits.signal,
      callId: id,
      ask: (question) => answers.to(question),
      onAnswer: ({ structuredContent }) => {
        hasAnswered = true;
        structured = structuredContent;
      },
    },
  );
  const text = textOf(result.content);
  const { isError } = result;
  const call = { server, tool, args, isError, isDenied: !hasAnswered && isDeniedResult({ isError, text }), text };
  const json = structured ?? parseJson(text);
  const outcome = plainOutcome(text, host.now() - startedAt, { json, calls: [call] });
  if (limits.signal.aborted) return { outcome, failure: stepFailureOf(limits.signal.reason) };
  if (!isError) return { outcome };
  const failure = stepFailureOf(
    new ScriptError("tool_error", text, { hint: "assert tool-error or denied where it is meant to fail" }),
  );
  return { outcome, failure, expectedBy: ["tool-error", "denied"] };
}

/**
 * Finds a tool by `server.tool`, or by the name that the model sees. Waits for servers if the tool is not known yet, or is the host's own, which
 * acts on all servers. Rejects with ScriptError or RequestError if there is no such tool.
 */
async function findTool(name: string, context: StepContext): Promise<HubTool> {
  const { hub } = context.host;
  const find = () => hub.tools().find((each) => each.name === name || `${each.server}.${each.tool}` === name);
  const known = find();
  if (known && known.server !== "host") return known;
  await untilOffered(context);
  const found = find();
  if (found) return found;
  const names = hub.tools().map(({ server, tool }) => `${server}.${tool}`);
  throw notOffered(`there is no tool ${name}${didYouMean(name, names)}`, hub, name);
}
