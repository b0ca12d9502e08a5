import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { dump } from "js-yaml";
import { fixtureServer } from "../support/app.js";
import { Workplace } from "../support/cli.js";

let place: Workplace;

beforeEach(() => {
  place = new Workplace();
});

afterEach(() => place[Symbol.dispose]());

/** Not the user's own: it just lies in the folder. */
function find(mcpServers: object): void {
  place.write("config.yaml", dump({ llm: { active: "demo" }, mcpServers }));
}

function startsOf(record: string): number {
  try {
    return readFileSync(join(place.folder, record), "utf8").split("started").length - 1;
  } catch {
    return 0;
  }
}

describe("servers of a configuration that was only found in the folder", () => {
  const recorded = () => ({ s: fixtureServer({ record: join(place.folder, "record") }) });

  test("do not start unasked, and the message says how to start them", async () => {
    find(recorded());
    const { exitCode, stdout, stderr } = await place.run(["servers"]);
    expect(exitCode).toBe(0);
    expect(startsOf("record")).toBe(0);
    expect(stdout).toMatch(/^s\s+disabled\s+stdio\s+nobody has confirmed the servers of config\.yaml/m);
    expect(stderr).toContain("pass --trust-project or --config config.yaml");
  });

  test("start with the flag, and when the file is named", async () => {
    find(recorded());
    expect((await place.run(["--trust-project", "servers"])).stdout).toMatch(/^s\s+ready/m);
    expect((await place.run(["--config", "config.yaml", "servers"])).stdout).toMatch(/^s\s+ready/m);
    expect(startsOf("record")).toBe(2);
  });

  test("that are required fail the turn", async () => {
    find({ s: { ...fixtureServer(), required: true } });
    const { exitCode, stderr } = await place.run(["run", "hello"]);
    expect(exitCode).toBe(5);
    expect(stderr).toContain('the MCP server "s" is disabled: nobody has confirmed the servers of config.yaml');
  });

  test("do not keep those of the user's own flags from starting", async () => {
    find({ found: fixtureServer() });
    place.write("mine.json", JSON.stringify({ mcpServers: { mine: fixtureServer() } }));
    const { stdout } = await place.run(["--mcp-config", "mine.json", "servers"]);
    expect(stdout).toMatch(/^found\s+disabled/m);
    expect(stdout).toMatch(/^mine\s+ready/m);
  });
});

test("a configuration without servers needs no word", async () => {
  find({});
  expect((await place.run(["servers"])).stderr).not.toContain("confirm");
});
