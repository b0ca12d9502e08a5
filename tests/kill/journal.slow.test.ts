import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import type { WireName } from "../../src/core/config.js";
import { schemaVersion } from "../../src/log/shared/schema-version.js";
import { driverUnderTest } from "../support/storages.js";
import { type Stop, wires } from "./models.js";
import { isWhole, Scene, type SceneOptions } from "./scene.js";

/**
 * Number of commits that open a new log in a file: two for each step of the schema, and two more. They are the same on every wire. On
 * PostgreSQL they are not counted.
 */
const opening = driverUnderTest === "postgres" ? 0 : 2 * schemaVersion + 2;
/**
 * Number of all writes to the log. A turn with three calls over three answers has 14 events. In a file, its claim writes the first event,
 * and the lease is one more write.
 */
const writes = opening + (driverUnderTest === "postgres" ? 14 : 15);
const share = driverUnderTest === "postgres" ? 15 : 9;
const inAnswers = [
  ...["start", "before_text", "after_text", "in_call", "before_end"].map((at) => `in answer 1 ${at}`),
  ...["before_text", "in_call", "before_end"].map((at) => `in answer 2 ${at}`),
  ...["start", "before_text", "after_text", "before_end"].map((at) => `in answer 3 ${at}`),
];
const inCalls = ["book train", "look weather", "book hotel"].flatMap((what) =>
  ["before", "after"].map((when) => `in call ${when} ${what}`),
);
const points = [
  ...Array.from({ length: writes }, (_, index) => index + 1).flatMap((at) => [`before ${at}`, `after ${at}`]),
  ...inAnswers,
  ...inCalls,
];
const ofTurns = points.slice(2 * opening);
/** `npm run test:kill` tries each point on each wire. `npm run test:all` tries one point in `share`, other points for each wire. */
const table = wires.flatMap((wire, offset) => {
  const all = wire === "chat" ? points : ofTurns;
  return (isWhole ? all : ofTurns.filter((_, index) => index % share === 2 * offset)).map(
    (point) => [point, wire] as const,
  );
});

test.each(wires)("over %s, the points at which the host is killed are all events of a turn", async (wire) => {
  const folder = mkdtempSync(join(tmpdir(), "commits-"));
  await using scene = await Scene.open({ wire });
  const host = scene.start({ KILL_COUNT: join(folder, "count") });
  await scene.check(await scene.request(host));
  expect(Number(readFileSync(join(folder, "count"), "utf8"))).toBe(writes);
  expect(scene.requests).toBe(3);
  await scene.checkNextTurn(host);
  await scene.end(host);
  rmSync(folder, { recursive: true });
});

test.each(table)(
  "killed %s over %s, the turn continues without a request and is answered once",
  async (point, wire) => {
    let host: ChildProcess | undefined;
    const options = optionsOf(point, wire, () => host?.kill("SIGKILL"));
    await using scene = await Scene.open(options.scene);
    host = scene.start(options.env);
    const ended = once(host, "close");
    await scene.request(host);
    expect(await ended).toEqual([null, "SIGKILL"]);
    const log = await scene.log();
    const before = scene.requests;
    const answered = log.filter(({ type }) => type === "assistant_message").length;
    expect(before - answered).toBeLessThanOrEqual(1);
    if (log.length > 0) await scene.endsByItself();
    const again = scene.start();
    await scene.check(await scene.request(again));
    // A stored answer is not requested again, so only the answer in flight may be billed twice.
    expect(scene.requests - before).toBe(3 - answered);
    await scene.checkNextTurn(again);
    await scene.end(again);
  },
);

/** Returns options that kill a host at that point: by itself, during an answer of the provider, or during a call of the server. */
function optionsOf(
  point: string,
  wire: WireName,
  kill: () => void,
): { scene: SceneOptions; env: Record<string, string> } {
  const [, number, at] = /^in answer (\d) (\w+)$/.exec(point) ?? [];
  if (number)
    return { scene: { wire, stop: { answer: Number(number), at: at as Stop["at"], reached: kill } }, env: {} };
  const [, killedInCall] = /^in call (.+)$/.exec(point) ?? [];
  return killedInCall ? { scene: { wire, killedInCall }, env: {} } : { scene: { wire }, env: { KILL_AT: point } };
}
