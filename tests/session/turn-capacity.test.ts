import { afterEach, expect, test } from "@jest/globals";
import type { App } from "../../src/index.js";
import type { Session } from "../../src/session/session.js";
import { collect, startApp } from "../support/app.js";
import { answer, type LlmServer, stall, startLlmServer, stream } from "../support/llm-server.js";

const closing: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

/** Starts a host that accepts this many turns, with a model whose answers never end. */
async function startBusy(maxTurns: number): Promise<{ app: App; llm: LlmServer }> {
  const llm = await startLlmServer(() => stream([stall]));
  const app = await startApp({ llm: llm.url, config: { chat: { service: { max_turns: maxTurns } } } });
  closing.push(llm, app);
  return { app, llm };
}

const submit = (session: Session, requestId: string) => session.submit({ requestId, text: "hello" });

test("beyond the maximum a prompt is refused before anything is stored, until a turn has ended", async () => {
  const { app } = await startBusy(2);
  const [a, b, c] = ["a", "b", "c"].map((id) => app.sessions.open(id)) as [Session, Session, Session];
  const [first] = [await submit(a, "r"), await submit(b, "r")];
  await expect(submit(c, "r")).rejects.toMatchObject({
    kind: "overloaded",
    retryable: true,
    retryAfterMs: 5_000,
    message: "this host is full: 2 turns run or wait",
    hint: expect.stringContaining("chat.service.max_turns"),
  });
  expect(await c.history()).toEqual([]);
  expect(await submit(a, "r")).toBe(first); // a repetition of a request is not a new turn
  a.cancel();
  await first.ended();
  expect((await submit(c, "r")).turnId).not.toBe("");
  for (const session of [b, c]) session.cancel();
});

test("one conversation may use a share only, so that others have room", async () => {
  const { app } = await startBusy(200);
  const [one, other] = ["one", "other"].map((id) => app.sessions.open(id)) as [Session, Session];
  const requests = Array.from({ length: 21 }, (_, index) => submit(one, `r${index}`));
  const outcomes = await Promise.allSettled(requests);
  expect(outcomes.map(({ status }) => status)).toEqual([...Array(20).fill("fulfilled"), "rejected"]);
  await expect(submit(one, "again")).rejects.toThrow("this conversation is full: 20 of its turns run or wait");
  await submit(other, "r");
  for (const session of [one, other]) session.cancel();
});

test("a turn that fails, or that was answered before, frees its place", async () => {
  await using llm = await startLlmServer([answer("hello"), answer("hello")]);
  await using app = await startApp({ llm: llm.url, config: { chat: { service: { max_turns: 1 } } } });
  const session = app.sessions.open("c");
  for (let round = 0; round < 3; round++) await collect(session.prompt({ requestId: "r", text: "hello" }));
  await expect(session.submit({ requestId: "r", text: "something else" })).rejects.toMatchObject({
    kind: "request_mismatch",
  });
  await collect(session.prompt({ requestId: "next", text: "hello" }));
});
