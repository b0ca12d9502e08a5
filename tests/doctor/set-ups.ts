/** Runs doctor and a turn with the same configuration, in this process, with real servers and models. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/reading/load.js";
import { ConfigError } from "../../src/core/errors.js";
import { clearingForOthers } from "../../src/doctor/bundle.js";
import { type Examined, examine } from "../../src/doctor/doctor.js";
import type { Finding } from "../../src/doctor/finding.js";
import type { Section } from "../../src/doctor/section.js";
import { createApp } from "../../src/index.js";
import { fixtureServer } from "../support/app.js"; // also loads the modules that a host loads on demand
import { answer, type LlmRequest, type Step, toolCalls } from "../support/llm-server.js";

export type ConfigShape = Record<string, unknown>;
type Environment = Record<string, string>;

export const home = mkdtempSync(join(tmpdir(), "mcp-platform-doctor-"));
process.on("exit", () => rmSync(home, { recursive: true, force: true }));

/** Returns a configuration with the provider `test` at this URL and the server `fs`, whose tool `echo` the turns use. */
export function setUp(llm: string, more: ConfigShape = {}): ConfigShape {
  return {
    llm: {
      active: "test",
      http: { max_retries: 0 },
      providers: { test: { base_url: llm, model: "m1", api_key: "sk-test-0123456789" } },
    },
    mcpServers: { fs: fixtureServer() },
    chat: { storage: { driver: "memory" }, service: { approval: "auto" } },
    serve: { port: 0 },
    ...more,
  };
}

/** A model that works: calls doctor's tool if it is offered, otherwise `fs__echo` once in a turn. */
export function capable({ body }: LlmRequest): Step {
  const { messages = [], tools = [] } = body;
  if (messages.at(-1)?.role === "tool") return answer("done");
  const called = ["mcp_platform_doctor", "fs__echo"].find((name) => tools.some((tool) => tool.function.name === name));
  return called ? toolCalls([{ name: called, arguments: { word: "works" } }]) : answer("works");
}

/** `config`: a file, or the content of one. */
export async function diagnose(
  config: string | ConfigShape,
  { isLive = true, env = {} }: { isLive?: boolean; env?: Environment } = {},
): Promise<Section[]> {
  const surroundings = { HOME: home, ...env };
  const load = (allowsUnset: boolean) => {
    try {
      return loadConfig(config, { env: surroundings, allowsUnset });
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
  };
  const strict = load(false);
  const lenient = load(true);
  const loaded = lenient instanceof ConfigError ? undefined : lenient;
  const file = typeof config === "string" ? config : undefined;
  const parts: Examined = {
    configuration: {
      file,
      isFound: false,
      names: [],
      usersFile: join(home, "config.yaml"),
      error: strict instanceof ConfigError ? strict : undefined,
      loaded,
      env: surroundings,
    },
    llm: loaded?.config.llm,
    servers: loaded?.config.mcpServers ?? [],
    isLive,
    node: { version: process.versions.node, required: ">=20.19" },
    builtMs: 0,
    cacheFolder: join(home, "cache"),
    clear: clearingForOthers((loaded ?? loadConfig({}, { env: {} })).config, surroundings),
    signal: new AbortController().signal,
  };
  return examine(parts);
}

/** Returns the findings that are not ok, as `section: status check: text (fix)`. */
export function complaints(sections: readonly Section[]): string[] {
  return sections.flatMap(({ name, findings }) =>
    findings
      .filter(({ status }) => status !== "ok")
      .map(({ status, check, text, fix }: Finding) => `${name}: ${status} ${check}: ${text} (${fix ?? ""})`),
  );
}

/** Resolves to whether a turn with this configuration succeeds: the tool is called, and its result and the answer arrive. */
export async function worksInTurn(config: string | ConfigShape, env: Environment = {}): Promise<boolean> {
  try {
    await using app = await createApp({ config, env: { HOME: home, ...env }, observe: () => {}, recover: false });
    let hasResult = false;
    let isEnd = false;
    const turn = app.sessions.open("c1").prompt({ requestId: "r1", text: "call echo", streaming: true });
    for await (const event of turn) {
      if (event.type === "tool_result") hasResult = !event.isError;
      if (event.type === "turn_end") isEnd = event.stopReason === "end_turn";
    }
    return hasResult && isEnd;
  } catch {
    return false;
  }
}
