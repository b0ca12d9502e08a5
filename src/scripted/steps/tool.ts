import { ScriptError } from "../../core/errors.js";
import { parseJson } from "../../core/json.js";
import { textOf } from "../../core/messages.js";
import type { HubTool, ToolHub } from "../../core/ports.js";
import { didYouMean } from "../../core/text/nearest.js";
import { isDeniedResult } from "../../session/conversations/called-tools.js";
import { callTool } from "../../session/direct-call.js";
import type { StepOf } from "../shared/script.js";
import { stepFailureOf } from "../shared/step-result.js";
import { render, renderText } from "../shared/templates.js";
import { type Performed, plainOutcome, type StepContext } from "./performed.js";

/**
 * Calls a tool. Rejects with ScriptError for an unknown tool or variable. If the tool returns an error, the step gets a failure, but
 * assertions of the step may expect it.
 */
export async function performTool(step: StepOf<"tool">, context: StepContext): Promise<Performed> {
  const { host, variables, conversation, answers, limits, rules } = context;
  const args = render(step.args, variables, step.place);
  const { name, server, tool } = findTool(host.hub, renderText(step.tool, variables, step.place));
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

/** Finds a tool by `server.tool`, or by the name that the model sees. Throws ScriptError if there is no such tool. */
function findTool(hub: ToolHub, name: string): HubTool {
  const tools = hub.tools();
  const found = tools.find((each) => each.name === name || `${each.server}.${each.tool}` === name);
  if (found) return found;
  const names = tools.map(({ server, tool }) => `${server}.${tool}`);
  throw new ScriptError("not_found", `there is no tool ${name}${didYouMean(name, names)}`);
}
