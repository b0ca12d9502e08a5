import { expect, test } from "@jest/globals";
import { connect } from "../../src/log/sqlite/connection.js";
import { Desk, until } from "../session/desk.js";
import { collect } from "../support/app.js";
import { chunk, stall, startLlmServer, stream } from "../support/llm-server.js";

test("a turn that waits on one host is cancelled by its request id on another host at once", async () => {
  await using llm = await startLlmServer([stream([chunk({ content: "so far" }), stall])]);
  await using desk = await Desk.open();
  const [one, other] = [await desk.host(llm), await desk.host(llm)];
  const session = one.sessions.open("c");
  await until(session.prompt({ requestId: "runs", text: "a" }), "text_delta");
  const waiting = await session.submit({ requestId: "waits", text: "b" });
  expect(await other.sessions.cancel("c", "waits")).toBe(true);
  const events = await collect(waiting.watch());
  expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
  expect(session.turnCounts).toEqual({ running: 1, waiting: 0 });
  session.cancel();
});

test("a cancel that the log does not accept is not confirmed, although it stops the turn", async () => {
  await using llm = await startLlmServer([stream([chunk({ content: "so far" }), stall])]);
  await using desk = await Desk.open("sqlite");
  const { sessions } = await desk.host(llm);
  const db = await connect((desk.storage as { path: string }).path);
  const turn = await sessions.open("c").submit({ requestId: "r", text: "a" });
  await llm.received(1);
  db.exec("CREATE TRIGGER full BEFORE INSERT ON mail BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END");
  db.close();
  await expect(sessions.cancel("c", "r")).rejects.toMatchObject({ kind: "full", retryable: true });
  expect((await collect(turn.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
});
