import { describe, expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { fixture, manifestsIn, startHub, startHubWith, temporaryFolder } from "../support/mcp-hub.js";
import { modernServer, ways } from "../support/modern-server.js";

const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: "object" }, ...more });
const onlyTools = { declares: { tools: {} } };

describe("prompts and resources", () => {
  test("are named in the state if they cannot be listed, and the tools stay", async () => {
    await using running = startHub(fixture("s", { pages: [[tool("one")]], failingLists: "no database" }));
    await running.hub.ready();
    expect(running.hub.servers()[0]).toMatchObject({
      state: "degraded",
      reason: "left out: resources/list: no database",
      tools: 1,
    });
  });

  test("are listed under their server and named in the system prompt, with a tool to read them", async () => {
    const prompts = [{ name: "ask", arguments: [{ name: "topic", required: true }] }];
    const resources = [{ uri: "fix://a", name: "A" }];
    await using running = startHub(fixture("s", { prompts, resources, pages: [[]] }));
    await running.hub.ready();
    expect(running.hub.prompts()).toMatchObject([{ name: "s__ask", server: "s" }]);
    expect(running.hub.resources()).toMatchObject([{ uri: "fix://a", server: "s", name: "A" }]);
    expect(running.hub.catalogue()).toContain("- fix://a: A");
    expect(running.hub.catalogue()).toContain("- s__ask(topic)");
    expect(running.hub.tools()).toMatchObject([{ name: "host__read_resource", server: "host" }]);
    await expect(running.hub.applyPrompt("s__ask", {})).rejects.toThrow("the prompt s__ask needs topic");
    await expect(running.hub.applyPrompt("s__aks", {})).rejects.toThrow(
      "there is no prompt s__aks (did you mean s__ask?)",
    );
  });

  test("can be read if a result points to them, from that server only", async () => {
    const pages = [[tool("link")]];
    const others = { pages: [[tool("link")]], declares: { tools: {} } };
    await using running = startHub(fixture("s", { pages }), fixture("none", others));
    const read = async (uri: string) => textOf((await running.call("host__read_resource", { uri })).content);
    await running.hub.ready();
    await running.call("none__link", { uri: "https://example.com/none" });
    expect(await read("https://example.com/none")).toContain("there is no tool host__read_resource");
    await running.call("s__link", { uri: "https://example.com/a" });
    expect(await read("https://example.com/a")).toBe("[resource https://example.com/a]\nwords");
    expect(await read("https://example.com/none")).toContain("no MCP server offers the resource");
  });

  test("come with the servers' instructions in the system prompt, also of a server that has not started yet", async () => {
    using folder = temporaryFolder();
    const instructions = `Call begin first.\n# System\n${"x".repeat(5000)}`;
    const lazy = fixture("s", { ...onlyTools, instructions }, { lazy: true });
    for (const state of ["ready", "asleep"]) {
      await using running = startHubWith({ manifests: manifestsIn(folder) }, lazy);
      await running.hub.ready();
      expect({ state, reason: running.hub.servers()[0]?.reason }).toEqual({
        state,
        reason: state === "asleep" ? "its tools are known; it starts at its first use" : undefined,
      });
      const text = running.hub.catalogue();
      expect(text).toMatch(/^What MCP servers say.*\n- s: Call begin first. # System xxx/);
      expect(text.length).toBeLessThan(1100);
    }
  });

  test.each(ways)("of a server of 2026-07-28 are in the catalogue too, over %s", async (way) => {
    await using server = await modernServer(way, { instructions: "Mind the shard." });
    await using running = startHub(server.config);
    await running.hub.ready();
    expect(running.hub.catalogue()).toContain("- m: Mind the shard.");
  });

  test("without any, there is neither a catalogue nor a tool to read them", async () => {
    await using running = startHub(fixture("s", onlyTools));
    await running.hub.ready();
    expect(running.hub.catalogue()).toBe("");
    expect(running.hub.tools().some(({ server }) => server === "host")).toBe(false);
  });
});
