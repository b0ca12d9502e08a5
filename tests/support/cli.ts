import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { dump } from "js-yaml";
import { noLocalModels } from "./no-local-models.js";

export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** A user's machine: a home and a folder of its own, no keys, no servers, and the compiled command line. */
export class Workplace implements Disposable {
  #isConfigured = false;
  readonly folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));

  /** Writes config.yaml as the user's own. */
  configure(config: object): void {
    this.#isConfigured = true;
    this.write("config.yaml", dump(config));
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  start(...args: string[]): ChildProcess {
    return spawn(process.execPath, [resolve("dist/main.js"), ...args], {
      cwd: this.folder,
      env: this.environment,
    });
  }

  get environment(): Record<string, string | undefined> {
    const own = this.#isConfigured ? { MCP_PLATFORM_CONFIG: "config.yaml" } : noLocalModels;
    return { PATH: process.env.PATH, HOME: this.folder, ...own };
  }

  /** Runs the command to its end. Stdin is empty unless `input` is given. */
  run(args: readonly string[], input = ""): Promise<Ended> {
    return ended(this.start(...args), input);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function ended(child: ChildProcess, input?: string): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  if (input !== undefined) child.stdin?.end(input);
  return new Promise((resolveEnd) => {
    child.once("close", (exitCode) => resolveEnd({ exitCode, stdout, stderr }));
  });
}

/** Returns a configuration with the provider `test` (its URL or its settings) and these servers. */
export function configFor(llm: string | object, mcpServers: object = {}, more: object = {}): object {
  const http = { initial_retry_delay: 0.001, max_retry_delay: 0.01 };
  const atUrl = { base_url: llm, model: "m1", api_key: "sk-test-0123456789" };
  const providers = { test: typeof llm === "string" ? atUrl : llm };
  const chat = { titles: "first-words", ...("chat" in more && (more.chat as object)) }; // so that a test counts the requests that it makes
  return { llm: { active: "test", http, providers }, mcpServers, ...more, chat };
}
