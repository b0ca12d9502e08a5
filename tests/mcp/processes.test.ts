import { expect, test } from "@jest/globals";
import { fixture, isRunning, recording, startHub, until } from "../support/mcp-hub.js";

const pids = (lines: string[]) =>
  lines.flatMap((line) => /^(?:started|grandchild) (\d+)$/.exec(line)?.[1] ?? []).map(Number);

test("a server behind a shell is closed within milliseconds when it reads its input", async () => {
  using record = recording();
  const server = fixture("s", { record: record.path });
  const script = [server.command, ...server.args].map((word) => `'${word}'`).join(" ");
  const running = startHub({ ...server, command: "sh", args: ["-c", `${script}; exit 0`] });
  await running.hub.ready();
  const startedAt = performance.now();
  await running.hub.close();
  expect(performance.now() - startedAt).toBeLessThan(1000);
  expect(pids(record.lines()).map(isRunning)).toEqual([false]);
});

test("closing while servers start leaves nothing", async () => {
  using record = recording();
  const running = startHub(fixture("s", { record: record.path, silent: true }));
  await until(() => record.lines().length > 0);
  await running.hub.close();
  expect(pids(record.lines()).some(isRunning)).toBe(false);
});
