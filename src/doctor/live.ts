/** A provider really asked, by the client that turns use: whole, streamed, and with tools. */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { CompletionRequest, ToolDefinition } from "../core/chat.js";
import type { LlmConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { errorInfo } from "../core/errors.js";
import { isJson } from "../core/structured-output.js";
import { LlmClient } from "../llm/client.js";
import type { ResolvedModel } from "../llm/providers/providers.js";
import { hostOf } from "../llm/request/proxy.js";
import { type Finding, fail, ok, warn, withoutEnd } from "./finding.js";
import { toleratedSkewMs } from "./host.js";

export interface LiveParts {
  env: Environment;
  /** What a turn would offer. */
  tools: readonly ToolDefinition[];
  /** As turns of this configuration ask. */
  streaming: boolean;
  signal: AbortSignal;
}

/** Both servers and models have tools of many names; this one is nobody's. */
const probe: ToolDefinition = {
  name: "mcp_platform_doctor",
  description: "Says that tools work. Takes the word `works`.",
  inputSchema: {
    type: "object",
    properties: { word: { type: "string", description: "works" } },
    required: ["word"],
  },
};

/** Ends at the first request that fails; its kind is that of the error. Rejects with the signal's reason only. */
export async function askProvider(
  llm: LlmConfig,
  { provider: { name, baseUrl }, model }: ResolvedModel,
  { env, tools, streaming, signal }: LiveParts,
): Promise<{ findings: Finding[]; kind?: string }> {
  const findings: Finding[] = [];
  const notices: Finding[] = [];
  const client = new LlmClient(
    { ...llm, fallback: [] },
    {
      env,
      observe: ({ level, message }) => {
        if (level === "warn" && !message.startsWith("request failed"))
          notices.push(warn("request", message, `mend what is named, or see llm.providers.${name}.quirks`));
      },
    },
  );
  using clock = new TheirClock(baseUrl);
  const asked = [
    { check: "plain", streaming: false, ...asking("Reply with the single word: works", []) },
    { check: "stream", streaming: true, ...asking("Reply with the single word: works", []) },
    { check: "tools", streaming, ...asking(`Call the ${probe.name} tool with word="works".`, [probe, ...tools]) },
  ];
  let check = "";
  try {
    for (const { streaming, request, ...each } of asked) {
      check = each.check;
      const beganAt = performance.now();
      let firstMs: number | undefined;
      const onDelta = () => {
        firstMs ??= performance.now() - beganAt;
      };
      const completion = await client.complete(
        { ...request, model: `${name}/${model}` },
        { streaming, signal, onDelta },
      );
      const ms = Math.round(performance.now() - beganAt);
      const first = firstMs === undefined ? "" : `, the first of it in ${Math.round(firstMs)} ms`;
      const facts = `${completion.model} answered in ${ms} ms${first}`;
      findings.push(
        check === "tools"
          ? toolFinding(name, completion.message, facts)
          : textFinding(check, completion.message.content, facts),
      );
      if (completion.attempts > 1)
        findings.push(
          warn(
            check,
            `only the ${completion.attempts}. request was answered`,
            "look at the provider's status page if that stays",
          ),
        );
    }
    return { findings: [...findings, ...clock.findings(), ...notices] };
  } catch (error) {
    signal.throwIfAborted();
    const { kind, message, hint } = errorInfo(error);
    return {
      findings: [
        ...findings,
        ...clock.findings(),
        ...notices,
        fail(check, message, withoutEnd(hint) || "see what it says"),
      ],
      kind,
    };
  } finally {
    await client.close();
  }
}

function asking(text: string, tools: readonly ToolDefinition[]): { request: CompletionRequest } {
  return { request: { messages: [{ role: "user", content: [{ type: "text", text }] }], tools } };
}

function textFinding(check: string, content: string, facts: string): Finding {
  return content.trim() === ""
    ? warn(check, `${facts}, with nothing`, "try another model, or a higher max_tokens")
    : ok(check, facts);
}

function toolFinding(
  name: string,
  { toolCalls }: { toolCalls: readonly { name: string; arguments: string }[] },
  facts: string,
): Finding {
  const fix = `use a model that can call tools (llm.providers.${name}.model)`;
  const call = toolCalls.find((each) => each.name === probe.name);
  if (!call) return warn("tools", `${facts}, without calling the tool it was told to call`, fix);
  return isJson(call.arguments)
    ? ok("tools", `${facts}, with a tool call`)
    : warn("tools", `${facts}, with arguments that are no JSON`, fix);
}

/** What time it is at the provider, by the `Date` of its answers to requests that are sent anyway. */
class TheirClock implements Disposable {
  #skewMs: number | undefined;
  readonly #host: string;
  readonly #listen = (message: unknown) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const theirs = Date.parse(response.headers.date ?? "");
    if (request.host === this.#host && request.method === "POST" && Number.isFinite(theirs))
      this.#skewMs = Date.now() - theirs;
  };

  constructor(baseUrl: string) {
    this.#host = URL.canParse(baseUrl) ? hostOf(new URL(baseUrl)) : "";
    subscribe("http.client.response.finish", this.#listen);
  }

  findings(): Finding[] {
    if (this.#skewMs === undefined) return [];
    const seconds = Math.round(Math.abs(this.#skewMs) / 1000);
    if (Math.abs(this.#skewMs) <= toleratedSkewMs) return [ok("clock", `agrees with the provider's to ${seconds} s`)];
    const text = `this machine's clock is ${seconds} s ${this.#skewMs > 0 ? "ahead of" : "behind"} the provider's`;
    return [
      warn(
        "clock",
        text,
        "set the clock (timedatectl set-ntp true): logins and certificates are refused under a wrong one",
      ),
    ];
  }

  [Symbol.dispose](): void {
    unsubscribe("http.client.response.finish", this.#listen);
  }
}
