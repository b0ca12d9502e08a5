import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { isWhole, Scene } from "./scene.js";

/** Opening a new log (19 and 1), the claim, the lease, 11 events of a turn with three calls over three answers, and its last two at once. */
const commits = 34;
const all = Array.from({ length: commits }, (_, index) => index + 1).flatMap((at) => [`before ${at}`, `after ${at}`]);
/** `npm run test:kill` takes each point, `npm test` a few of every kind. */
const points = isWhole ? all : all.filter((_, index) => index % 5 === 2);

test("the points are all that a turn has", async () => {
  const folder = mkdtempSync(join(tmpdir(), "commits-"));
  await using scene = await Scene.open("sqlite");
  const host = scene.start({ KILL_COUNT: join(folder, "count") });
  await scene.check(await scene.request(host));
  expect(Number(readFileSync(join(folder, "count"), "utf8"))).toBe(commits);
  expect(scene.requests).toBe(3);
  await scene.end(host);
  rmSync(folder, { recursive: true });
});

test.each(points)("killed %s commits, the turn goes on by itself and is answered once", async (point) => {
  await using scene = await Scene.open("sqlite");
  const host = scene.start({ KILL_AT: point });
  const ended = once(host, "close");
  await scene.request(host);
  expect(await ended).toEqual([null, "SIGKILL"]);
  if ((await scene.log()).length > 0) await scene.endsByItself();
  const again = scene.start();
  await scene.check(await scene.request(again));
  expect(scene.requests).toBeLessThanOrEqual(4); // at most the one in flight is asked for again
  await scene.end(again);
});
