import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { everything } from "../support/mcp-http.js";
import { nodeServer, remoteServer, startHub, until } from "../support/mcp-hub.js";

const script = (name: string) => resolve(`node_modules/@modelcontextprotocol/server-${name}/dist/index.js`);

test("server-everything offers the same over stdio, Streamable HTTP and SSE", async () => {
  await using http = await everything("streamableHttp");
  await using sse = await everything("sse");
  await using running = startHub(
    nodeServer("stdio", [script("everything"), "stdio"]),
    remoteServer("http", http.url, "auto"),
    remoteServer("sse", sse.url, "auto"),
  );
  await running.hub.ready();
  expect(running.hub.servers().map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
  const toolsOf = (server: string) =>
    running.hub
      .tools()
      .filter((tool) => tool.server === server)
      .map(({ tool }) => tool);
  await until(() => toolsOf("stdio").length >= 13 && toolsOf("http").length >= 13 && toolsOf("sse").length >= 13);
  expect(toolsOf("http")).toEqual(toolsOf("stdio"));
  expect(toolsOf("sse")).toEqual(toolsOf("stdio"));
  for (const server of ["stdio", "http", "sse"]) {
    expect(textOf((await running.call(`${server}__get-sum`, { a: 2, b: 40 })).content)).toContain("42");
    const image = await running.call(`${server}__get-tiny-image`);
    expect(image.content.map(({ type }) => type)).toEqual(["text", "image", "text"]);
    const progress: number[] = [];
    await running.call(
      `${server}__trigger-long-running-operation`,
      { duration: 0.2, steps: 2 },
      { onProgress: (step) => progress.push(step.progress) },
    );
    expect(progress[0]).toBe(1);
  }
  const prompt = running.hub.prompts().find(({ server, arguments: args }) => server === "http" && args.length === 0);
  expect(textOf(await running.hub.applyPrompt(prompt?.name ?? "", {}))).not.toBe("");
  const uri = running.hub.resources()[0]?.uri ?? "";
  expect(textOf((await running.call("host__read_resource", { uri })).content)).toContain(`[resource ${uri}]`);
  expect((await running.call("stdio__get-structured-content", { location: "Chicago" })).content).toHaveLength(1);
});

test("filesystem, memory and sequential-thinking work side by side", async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "mcp-platform-")));
  try {
    await writeFile(join(folder, "note.txt"), "from the file");
    await using running = startHub(
      nodeServer("fs", [script("filesystem"), folder], { trusted: true }),
      nodeServer("memory", [script("memory")], { env: { MEMORY_FILE_PATH: join(folder, "memory.json") } }),
      nodeServer("thinking", [script("sequential-thinking")]),
    );
    await running.hub.ready();
    const [file, graph, thought] = await Promise.all([
      running.call("fs__read_text_file", { path: join(folder, "note.txt") }),
      running.call("memory__create_entities", {
        entities: [{ name: "MCP", entityType: "protocol", observations: ["works"] }],
      }),
      running.call("thinking__sequentialthinking", {
        thought: "one",
        nextThoughtNeeded: false,
        thoughtNumber: 1,
        totalThoughts: 1,
      }),
    ]);
    expect(file.content).toEqual([{ type: "text", text: "from the file" }]);
    expect(textOf(graph.content)).toContain("works");
    expect(textOf(thought.content)).toContain('"thoughtNumber": 1');
    expect(await running.hub.prepare({ id: "1", name: "fs__read_text_file", arguments: '{"path":"x"}' })).toMatchObject(
      {
        readOnly: true,
      },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
