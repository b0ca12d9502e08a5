import { expect, test } from "@jest/globals";
import type { ServerNews } from "../../src/core/ports.js";
import { LinkedResources } from "../../src/mcp/server/linked-resources.js";
import type { SupervisedServer } from "../../src/mcp/server/supervised-server.js";
import { ServerMcpResults } from "../../src/mcp/tools/mcp-results.js";

/** A server that counts how often its list of resources is read. */
function serverWith(name: string, ...uris: string[]) {
  const listing = (listed: readonly string[]) => ({
    tools: [],
    get resources() {
      server.reads += 1;
      return listed.map((uri) => ({ uri }));
    },
  });
  const server = {
    reads: 0,
    config: { name },
    lists: {} as ReturnType<typeof listing>,
    linked: new LinkedResources(() => {}),
    list: (...listed: string[]) => {
      server.lists = listing(listed);
    },
  };
  server.list(...uris);
  return server;
}

test("the addresses are computed once for many changes and clients, and anew when a list or a link is new", () => {
  const [one, two] = [serverWith("one", "x://a"), serverWith("two", "x://a")];
  const listeners = new Set<(news: ServerNews) => void>();
  const mcpResults = new ServerMcpResults(() => [one, two] as unknown as SupervisedServer[], listeners);
  const told: string[] = [];
  for (let client = 0; client < 3; client++)
    mcpResults.onNews((news) => news.type === "resource" && told.push(news.uri));
  const change = (uri: string, times: number) => {
    for (let time = 0; time < times; time++)
      for (const listener of listeners) listener({ type: "resource", server: "two", uri });
    return told.splice(0);
  };
  expect(change("x://a", 5)).toEqual(Array(15).fill("x://two/a"));
  expect([one.reads, two.reads]).toEqual([1, 1]);
  one.list("x://b");
  expect(change("x://a", 1)).toEqual(Array(3).fill("x://a"));
  one.linked.add([{ type: "resource_link", uri: "x://c" }]);
  two.linked.add([{ type: "resource_link", uri: "x://c" }]);
  expect(change("x://c", 1)).toEqual(Array(3).fill("x://two/c"));
});
