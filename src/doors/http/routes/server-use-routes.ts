/** Routes by which a person uses what servers offer, without a model: calls of tools, prompts, resources and completions. */
import { callForPerson } from "../../../session/direct-call.js";
import { type RuleDefaults, rulesOf } from "../../../session/shared/rules.js";
import { Slots } from "../../protocol/back-pressure.js";
import { wirePart } from "../../protocol/chunks.js";
import { whenSettled } from "../../protocol/host-answers.js";
import { promptsJson, resourcesJson } from "../../protocol/host-lists.js";
import type { DoorParts } from "../../shared/door.js";
import type { ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import {
  completeBody,
  completedValues,
  inJson,
  listedPrompts,
  listedResources,
  promptBody,
  readResourceBody,
  serverContent,
  toolCallBody,
  toolResult,
} from "../shared/api-schemas.js";

/** Maximum number of concurrent requests to servers. Their answers may be large, and each stays in memory until the client has read it. */
const mostAsked = 16;
/** The person decides about this call, so answers that were remembered about calls of the model do not count. */
const noMemory = { find: () => undefined, remember: () => {} };

export function serverUseRoutes(
  { hub, newId, now }: Pick<DoorParts, "hub" | "newId" | "now">,
  defaults: () => RuleDefaults,
): ApiRoute[] {
  const asking = new Slots(mostAsked);
  return [
    {
      method: "POST",
      path: "/api/tools/{name}/call",
      summary:
        "Runs one tool for the person who asks for it, without a question. What the rules deny is refused. Questions of the server are answered with no",
      body: toolCallBody,
      answer: inJson(toolResult),
      async run({ body, path, gone }) {
        const { arguments: args = {} } = body as { arguments?: object };
        const name = path("name");
        await hub.offered(gone).catch(() => {});
        if (!hub.tools().some((tool) => tool.name === name))
          throw new ApiError(404, "not_found", `there is no tool ${name}`);
        const call = { id: newId("call"), name, arguments: JSON.stringify(args ?? {}) };
        const rules = rulesOf({}, defaults(), noMemory);
        return asking.run(async () => {
          const startedAt = now();
          const { isError, content } = await callForPerson(hub, call, { rules, signal: gone, callId: call.id });
          return Response.json({ is_error: isError, content: content.map(wirePart), duration_ms: now() - startedAt });
        }, gone);
      },
    },
    {
      method: "GET",
      path: "/api/prompts",
      summary: "The servers' prompts, once the servers have settled",
      answer: inJson(listedPrompts),
      async run({ gone }) {
        await whenSettled(hub, gone);
        return Response.json(promptsJson(hub.prompts()));
      },
    },
    {
      method: "POST",
      path: "/api/prompts/{server}/{+name}",
      summary: "A prompt as the parts of one message of the user. The name is the prompt's own, or that of the list",
      body: promptBody,
      answer: inJson(serverContent),
      async run({ body, path, gone }) {
        const { arguments: args } = body as { arguments?: Record<string, string> | null };
        await whenSettled(hub, gone);
        const [server, name] = [path("server"), path("name")];
        const found = hub.mcpResults
          .prompts()
          .find((prompt) => prompt.server === server && (prompt.own === name || prompt.name === name));
        if (!found) throw new ApiError(404, "not_found", `${server} has no prompt ${name}`);
        return asking.run(async () => {
          const content = await hub.applyPrompt(found.name, args ?? {}, gone);
          return Response.json({ content: content.map(wirePart) });
        }, gone);
      },
    },
    {
      method: "GET",
      path: "/api/resources",
      summary: "The servers' resources and URI templates, once the servers have settled",
      answer: inJson(listedResources),
      async run({ gone }) {
        await whenSettled(hub, gone);
        return Response.json(resourcesJson(hub));
      },
    },
    {
      method: "POST",
      path: "/api/resources/read",
      summary: "A resource, from the server that has it",
      body: readResourceBody,
      answer: inJson(serverContent),
      async run({ body, gone }) {
        const { uri } = body as { uri: string };
        await whenSettled(hub, gone);
        return asking.run(async () => {
          const content = await hub.readResource(uri, gone);
          return Response.json({ content: content.map(wirePart) });
        }, gone);
      },
    },
    {
      method: "POST",
      path: "/api/complete",
      summary: "Values that a server proposes for an argument of a prompt or of a URI template",
      body: completeBody,
      answer: inJson(completedValues),
      async run({ body, gone }) {
        const { prompt, template, argument, value } = body as Completion;
        const of = typeof prompt === "string" ? { prompt } : { template: template ?? "" };
        await whenSettled(hub, gone);
        return asking.run(async () => {
          const values = await hub.mcpResults.complete(of, { name: argument, value: value ?? "" }, gone);
          return Response.json({ values });
        }, gone);
      },
    },
  ];
}

interface Completion {
  prompt?: string | null;
  template?: string | null;
  argument: string;
  value?: string | null;
}
