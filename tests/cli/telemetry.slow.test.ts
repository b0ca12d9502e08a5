import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { ended, Workplace } from "../support/cli.js";
import { startCollector } from "../support/collector.js";

const prompt = ["run", "Add 2 and 40 with the add tool"];
const heavy = /^(@opentelemetry\/.*|prom-client|pino)$/;

/** Runs the command line with these modules preloaded and these environment variables. */
async function run(args: readonly string[], imports: readonly string[], env: Record<string, string>) {
  using place = new Workplace();
  const all = [...imports.flatMap((file) => ["--import", resolve(file)]), resolve("dist/main.js"), ...args];
  const options = { cwd: place.folder, env: { ...place.environment, HOME: place.folder, ...env } };
  return await ended(spawn(process.execPath, all, options), "");
}

describe("a host without a telemetry receiver", () => {
  test.each([[["--version"]], [prompt]])("%j loads neither telemetry nor the logger", async (args) => {
    const { exitCode, stderr } = await run(args, ["tests/support/mcp-trace-imports.mjs"], {});
    expect(exitCode).toBe(0);
    expect(stderr.split("\n").filter((name) => heavy.test(name))).toEqual([]);
  });
});

test("the standard variables of OpenTelemetry are enough to send telemetry", async () => {
  await using collector = await startCollector();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: "my-host" };
  const { exitCode, stdout } = await run(prompt, [], env);
  expect([exitCode, stdout.trim()]).toEqual([0, expect.stringContaining("42")]);
  const names = new Set(collector.spans.map(({ service, name }) => `${service}: ${name}`));
  expect([...names].sort()).toEqual([
    "my-host: chat demo",
    "my-host: invoke_agent mcp-platform",
    "my-host: tools/call add",
  ]);
});

test("without the telemetry packages a prompt is answered, and stderr says what to install", async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", WITHOUT_PACKAGES: "@opentelemetry/" };
  const { exitCode, stdout, stderr } = await run(prompt, ["tests/support/without-packages.mjs"], env);
  expect([exitCode, stdout.trim()]).toEqual([0, expect.stringContaining("42")]);
  expect(JSON.parse(stderr.split("\n").find((line) => line.startsWith("{")) ?? "")).toMatchObject({
    level: "warn",
    scope: "telemetry",
    message: expect.stringMatching(/packages are missing: npm install @opentelemetry\/api@~1\.9\.1 .*sdk-trace-node@/),
  });
});

test("an unreachable collector does not keep a host from ending, and the lost data is reported", async () => {
  const { exitCode, stdout, stderr } = await run(prompt, [], { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
  expect([exitCode, stdout.trim()]).toEqual([0, expect.stringContaining("42")]);
  expect(stderr).toMatch(/"scope":"telemetry","message":"[^"]*did not accept the last data within 2 s/);
});
