import { expect, test } from "@jest/globals";
import { fixture, startHub } from "../support/mcp-hub.js";

test("500 tools of five servers are ready as soon as those of the slowest server", async () => {
  const many = (name: string, startMs: number) =>
    fixture(name, {
      startMs,
      declares: { tools: {} },
      pages: Array.from({ length: 10 }, (_, page) =>
        Array.from({ length: 10 }, (_, index) => ({
          name: `tool_${page}_${index}`,
          description: "does something",
          inputSchema: { type: "object", properties: { a: { type: "string" } } },
        })),
      ),
    });
  const readyAfter = async (running: ReturnType<typeof startHub>) => {
    const startedAt = performance.now();
    await running.hub.ready();
    return performance.now() - startedAt;
  };
  await using alone = startHub(many("slow", 2_500));
  const aloneMs = await readyAfter(alone);
  await using running = startHub(many("a", 0), many("b", 0), many("c", 0), many("d", 0), many("slow", 2_500));
  expect(await readyAfter(running)).toBeLessThan(2 * aloneMs);
  expect(running.hub.tools()).toHaveLength(500);
  const bytes = JSON.stringify(running.hub.tools());
  await running.call("a__tool_0_0");
  expect(JSON.stringify(running.hub.tools())).toBe(bytes);
});
