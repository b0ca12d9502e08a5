import { McpError, ScriptError } from "../../core/errors.js";
import { isPlainObject } from "../../core/json.js";
import { readTool } from "../../core/patterns/hidden-servers.js";
import type { ServedResource } from "../../core/ports.js";
import { refusalOfRead } from "../../session/direct-call.js";
import type { StepOf } from "../shared/script.js";
import { stepFailureOf } from "../shared/script-result.js";
import { renderText } from "../shared/templates.js";
import { type Performed, plainOutcome, type StepContext } from "./performed.js";
import { notOffered, untilOffered } from "./server-wait.js";

/**
 * Reads a resource, if the rules about tools allow it. The output of the step is the text of the resource; other content is left out. Rejects with
 * McpError, ScriptError or RequestError. If the rules or the user do not allow the read, the step gets a failure, but its assertions may expect it.
 */
export async function performResource(step: StepOf<"resource">, context: StepContext): Promise<Performed> {
  const { host, variables, conversation, answers, limits, rules } = context;
  const uri = renderText(step.uri, variables, step.position);
  // Always waits: several servers may offer the address, and the same one has to be chosen in every run.
  await untilOffered(context);
  const startedAt = host.now();
  const resource = resourceAt(uri, context);
  const newCallId = () => conversation.nextRequestId();
  const refusal = await refusalOfRead(resource, { rules, newCallId, ask: (question) => answers.to(question) });
  if (refusal !== undefined) return refused(refusal, resource, host.now() - startedAt);
  const { contents } = await resource.read(limits.signal);
  const texts = (Array.isArray(contents) ? contents : []).filter(isPlainObject).map(({ text }) => text);
  const output = texts.filter((text) => typeof text === "string").join("\n");
  return { outcome: plainOutcome(output, host.now() - startedAt) };
}

function refused(text: string, { server, uri }: ServedResource, latencyMs: number): Performed {
  const call = { server, tool: readTool, args: { uri }, isError: true, isDenied: true, text };
  const hint = "assert denied where it is meant to fail";
  return {
    outcome: plainOutcome(text, latencyMs, { calls: [call] }),
    failure: stepFailureOf(new ScriptError("tool_error", text, { hint })),
    expectedBy: ["denied"],
  };
}

function resourceAt(uri: string, { host }: StepContext): ServedResource {
  try {
    return host.hub.mcpResults.resourceAt(uri);
  } catch (error) {
    throw error instanceof McpError && error.kind === "not_found" ? notOffered(error.message, host.hub) : error;
  }
}
