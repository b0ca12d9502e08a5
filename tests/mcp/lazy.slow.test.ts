import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

async function packagesOf(configs: string): Promise<Set<string>> {
  const hub = pathToFileURL(resolve("dist/mcp/hub.js"));
  const program = `
    const { McpHub } = await import(${JSON.stringify(hub)});
    const { demoServer } = await import(${JSON.stringify(new URL("../demo/demo-servers.js", hub))});
    const hub = new McpHub(${configs}, { observe: () => {} });
    hub.start();
    await hub.settled();
    if (hub.servers().some(({ state }) => state !== "ready")) process.exit(1);
    await hub.close();`;
  const { stderr } = await promisify(execFile)(process.execPath, [
    "--import",
    pathToFileURL(resolve("tests/support/mcp-trace-imports.mjs")).href,
    "--input-type=module",
    "--eval",
    program,
  ]);
  return new Set(stderr.split("\n"));
}

test("a hub without servers does not load the MCP SDK, and one with servers does", async () => {
  expect(await packagesOf("[]")).not.toContain("@modelcontextprotocol/sdk");
  expect(await packagesOf("[demoServer()]")).toContain("@modelcontextprotocol/sdk");
});
