import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";
import { until } from "../support/mcp-hub.js";

/** Configures a server that starts once the file `gate` exists. The host waits for it as long as that takes. */
const gated = (gate: string) => fixtureServer({ startsWith: gate }, { startup_grace: "60s", startup_timeout: "60s" });

test("a second run sends its request before the server has started, and only a call waits for the server", async () => {
  using place = new Workplace();
  const gate = place.write("gate", "");
  const opening =
    (step: Step): Step =>
    (...exchange) => {
      writeFileSync(gate, "");
      step(...exchange);
    };
  const echo = toolCalls([{ name: "s__echo", arguments: { n: 1 } }]);
  await using llm = await startLlmServer([answer("cold"), opening(echo), answer("warm"), answer("off")]);
  const run = (more = {}) => {
    place.configure(configFor(llm.url, { s: gated(gate) }, { chat: { service: { approval: "auto" } }, ...more }));
    return place.run(["run", "hi"]);
  };
  expect(await run()).toMatchObject({ stdout: "cold\n", exitCode: 0 });
  rmSync(gate);
  expect(await run()).toMatchObject({ stdout: "warm\n", exitCode: 0 });
  expect(await run({ mcp: { remember_tools: false } })).toMatchObject({ stdout: "off\n", exitCode: 0 });
  const [cold, warm, called, off] = llm.requests.map(({ text }) => text);
  expect(cold).toContain("s__echo");
  expect(warm).toBe(cold);
  expect(off).toBe(cold);
  expect(called).toContain('{\\"n\\":1}');
});

test("runs that start at the same time store the lists of their servers in one valid file", async () => {
  using place = new Workplace();
  const gate = place.write("gate", "");
  await using llm = await startLlmServer(() => answer("done"));
  place.configure(configFor(llm.url, { s: gated(gate) }));
  await Promise.all(Array.from({ length: 4 }, () => place.run(["run", "hi"])));
  expect(readdirSync(join(place.folder, ".cache/mcp-platform/manifests"))).toEqual([
    expect.stringMatching(/^[0-9a-f]{32}\.json$/),
  ]);
  expect(readdirSync(join(place.folder, ".local/state/mcp-platform"))).toContain("manifests.key");
  rmSync(gate);
  expect(await place.run(["run", "hi"])).toMatchObject({ stdout: "done\n", exitCode: 0 });
  expect(new Set(llm.requests.map(({ text }) => text)).size).toBe(1);
});

test("a first run says that it waits for its servers, and its first request has their tools", async () => {
  using place = new Workplace();
  await using llm = await startLlmServer([answer("done")]);
  place.configure(configFor(llm.url, { s: gated("gate") }));
  const child = place.start("run", "hi");
  let said = "";
  child.stderr?.on("data", (text) => {
    said += text;
  });
  const end = ended(child, "");
  await until(() => said.includes("waiting for server s to start\n"));
  place.write("gate", "");
  expect(await end).toMatchObject({ stdout: "done\n", exitCode: 0, stderr: "waiting for server s to start\n" });
  expect(llm.requests[0]?.text).toContain("s__echo");
});
