import { expect, test } from "@jest/globals";
import { Desk, until } from "../session/desk.js";
import { collect } from "../support/app.js";
import { chunk, STALL, startLlmServer, stream } from "../support/llm-server.js";

test("a turn that waits on one host is cancelled by its request id on another host at once", async () => {
  await using llm = await startLlmServer([stream([chunk({ content: "so far" }), STALL])]);
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
