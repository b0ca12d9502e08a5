import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "hono";
import "@hono/node-server";
import "ajv/dist/2020.js";
import OpenAI from "openai";
import type { Observe } from "../../../src/core/ports.js";
import { type HttpDoor, openHttpDoor, type ServeOptions } from "../../../src/doors/http/serve.js";
import type { DoorParts } from "../../../src/doors/shared/door.js";
import type { App } from "../../../src/index.js";
import { doorParts } from "../support.js";

const signInFolder = mkdtempSync(join(tmpdir(), "mcp-platform-sign-ins-"));
process.on("exit", () => rmSync(signInFolder, { recursive: true, force: true }));

interface DoorOptions extends Partial<Omit<ServeOptions, "mcp">> {
  mcp?: Partial<ServeOptions["mcp"]>;
  parts?: Partial<DoorParts>;
  /** Receives what the door logs. */
  observe?: Observe;
}

/** Opens the network door of this app on a free port, as `serve` does. */
export async function openDoor(
  app: App,
  { mcp, observe, parts: more, ...options }: DoorOptions = {},
): Promise<HttpDoor & AsyncDisposable> {
  const { serve, mcpServe } = app.config;
  const { newId } = await import("../../../src/core/ids.js");
  const parts = { ...doorParts(app, Date.now), newId, observe, ...more };
  const all = {
    serve: mcpServe,
    given: {},
    defaults: () => app.config.chat.service,
    ...mcp,
  };
  const door = await openHttpDoor(parts, {
    ...serve,
    port: 0,
    version: "1.0.0",
    models: () => [],
    signInFolder,
    ...options,
    mcp: all,
  });
  return { ...door, [Symbol.asyncDispose]: async () => door.close() };
}

export function sdk(door: HttpDoor, options: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI {
  return new OpenAI({ baseURL: `${door.url}/v1`, apiKey: door.token ?? "none", maxRetries: 0, ...options });
}

export const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) });
