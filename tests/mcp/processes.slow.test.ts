import { expect, test } from "@jest/globals";
import { ProcessGroup } from "../../src/mcp/transports/process-group.js";
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
  expect(performance.now() - startedAt).toBeLessThan(1_800); // before the host would kill it
  expect(pids(record.lines()).map(isRunning)).toEqual([false]);
});

test("closing while servers start leaves no process behind", async () => {
  using record = recording();
  const running = startHub(fixture("s", { record: record.path, silent: true }));
  await until(() => record.lines().length > 0);
  await running.hub.close();
  await until(() => !pids(record.lines()).some(isRunning)); // a killed process may need a moment to end
});

test("a server has its time to leave by the clock: late checks do not extend it", async () => {
  const group = new ProcessGroup("sleep", ["1000"], { stdio: "ignore" });
  let looks = 0;
  const timer = setInterval(() => {
    looks++;
    for (const startedAt = performance.now(); performance.now() - startedAt < 100; );
  });
  expect(await group.gone(400)).toBe(false);
  clearInterval(timer);
  await group.end(0);
  expect(looks).toBeLessThan(8); // four rounds of a tenth of a second, and those that have already begun
});
