import "../../support/app.js"; // modules that the host loads on demand
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { editServers } from "../../../src/config/edit/edit-servers.js";
import { importFrom } from "../../../src/config/import/find-files.js";
import { planImport } from "../../../src/config/import/import-plan.js";
import { importReport, previewOf } from "../../../src/config/import/import-report.js";
import { loadConfig } from "../../../src/config/reading/load.js";
import { createApp } from "../../../src/index.js";
import { everything, type HttpServer, httpServer } from "../../support/mcp-http.js";
import { files, Machine } from "./machine.js";

type Tool = keyof typeof files;

let http: HttpServer;
let sse: Awaited<ReturnType<typeof everything>>;

beforeAll(async () => {
  [http, sse] = await Promise.all([httpServer(), everything("sse")]);
});

afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await sse[Symbol.asyncDispose]();
});

function machine(): Machine {
  return new Machine({ HTTP_SERVER: new URL(http.url).host, SSE_SERVER: new URL(sse.url).host });
}

/** Imports as `servers import --from TOOL` does into a user's configuration that does not exist yet. */
function imported(place: Machine, tool: Tool) {
  place.install(tool);
  const file = join(place.folder, "home/.config/mcp-platform/config.yaml");
  const surroundings = {
    platform: "linux" as const,
    env: place.environment,
    home: join(place.folder, "home"),
    cwd: place.project,
  };
  const target = { file, folder: join(file, ".."), text: "", servers: {}, env: place.environment };
  const found = importFrom(tool, surroundings);
  const plan = planImport(found, target, { replace: false, secrets: "keep" });
  return {
    shown: `${previewOf(plan, target)}${importReport(found, plan, { file, isDone: false })}\n`,
    text: editServers("", plan.edits, file),
    file,
  };
}

const expectedOff: Partial<Record<Tool, string[]>> = {
  "claude-code": ["memory"],
  cursor: ["old"],
  gemini: ["memory", "billing"],
  codex: ["memory"],
  opencode: ["memory", "vault"],
  goose: ["memory"],
  zed: ["memory"],
  original: ["template"],
};

test.each(Object.keys(files) as Tool[])(
  "the servers of %s are imported into a configuration, and start",
  async (tool) => {
    using place = machine();
    const { shown, text, file } = imported(place, tool);
    const pinned = `tests/config/import/fixtures/${tool}.dry-run.txt`;
    if (process.env.UPDATE_PINNED && !existsSync(pinned)) writeFileSync(pinned, place.general(shown));
    expect(place.general(shown)).toBe(readFileSync(pinned, "utf8"));

    const path = place.write(file.slice(place.folder.length), text);
    const config = loadConfig(path, {
      env: place.environment,
      cwd: place.project,
      overrides: { chat: { storage: { driver: "memory" } } },
    });
    await using app = await createApp({ config, env: place.environment, observe: () => {} });
    await app.ready();
    const states = Object.fromEntries(app.hub.servers().map(({ name, state, reason }) => [name, reason ?? state]));
    const off = expectedOff[tool] ?? [];
    const names = config.config.mcpServers.map(({ name }) => name);
    expect(states).toEqual({
      demo: "ready",
      ...Object.fromEntries(names.map((name) => [name, off.includes(name) ? "disabled" : "ready"])),
    });
  },
);
