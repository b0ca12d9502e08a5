// Modules that the host loads on demand are loaded here first: jest's module linker fails on two overlapping dynamic imports.
import "@modelcontextprotocol/sdk/client/index.js";
import "zod";
import "../../src/llm/request/attempts.js";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump } from "js-yaml";
import { type RunScriptOptions, runScript } from "../../src/scripted/host/run-script.js";
import type { ScriptResult, StepResult } from "../../src/scripted/shared/script-result.js";
import { fixtureServer } from "../support/app.js";

/** A folder of scripts, and a home for the hosts that run them. */
export class ScriptFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "mcp-platform-scripts-"));

  write(name: string, content: string | object): string {
    const path = join(this.path, name);
    writeFileSync(path, typeof content === "string" ? content : dump(content));
    return path;
  }

  /** Runs a file of this folder with the provider at that URL. */
  run(name: string, { llm = "http://127.0.0.1:9/v1", ...options }: { llm?: string } & RunScriptOptions = {}) {
    const http = { initial_retry_delay: 0.001, max_retry_delay: 0.01 };
    const providers = { test: { base_url: llm, model: "m1", api_key: "sk-test-0123456789" } };
    const config = { llm: { active: "test", http, providers } };
    const env = { HOME: this.path };
    return runScript(join(this.path, name), { config, env, cwd: this.path, observe: () => {}, ...options });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Runs one script once. `fs` is the fixture server unless the script defines its own. */
export async function runSteps(
  script: { steps: unknown[]; [key: string]: unknown },
  options: { llm?: string } & RunScriptOptions = {},
): Promise<ScriptResult> {
  using folder = new ScriptFolder();
  folder.write("a.session.yaml", { mcpServers: { fs: fixtureServer() }, ...script });
  return folder.run("a.session.yaml", options);
}

/** Returns `passed`, `skipped` or the reason of the failure for each step. */
export function verdicts({ steps }: Pick<ScriptResult, "steps">): string[] {
  return steps.map(verdict);
}

function verdict({ skipped, passed, error, assertions }: StepResult): string {
  if (skipped) return "skipped";
  if (passed) return "passed";
  const reasons = assertions.filter((each) => !each.passed).map(({ type }) => type);
  return error ? `${error.kind}: ${error.message}` : `failed: ${reasons.join(", ")}`;
}
