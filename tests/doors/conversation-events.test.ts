import { expect, jest, test } from "@jest/globals";
import type { TurnEvent } from "../../src/core/events.js";
import { conversationEvents } from "../../src/doors/protocol/conversation-events.js";
import { collect, startApp } from "../support/app.js";
import { answer, chunk, startLlmServer, stream } from "../support/llm-server.js";

/** Returns the text of the current message as a follower has it after this event. */
function followed(text: string, event: TurnEvent): string {
  if (event.type === "text_delta") return text + event.delta;
  return event.type === "discard" ? "" : text;
}

function gate() {
  let resolve = () => {};
  const promise = new Promise<void>((open) => {
    resolve = open;
  });
  return { promise, resolve: () => resolve() };
}

/** Begins a turn in a conversation whose events are read one by one. */
async function beginFollowed(app: Awaited<ReturnType<typeof startApp>>) {
  const session = app.sessions.open("c1");
  const stop = new AbortController();
  const events = conversationEvents(session, 1, stop.signal);
  const turn = await session.submit({ requestId: "r1", text: "count", streaming: true });
  return { turn, events, stop };
}

test("a reader that falls behind gets the open answer again from its beginning, and all of it", async () => {
  const words = Array.from({ length: 3_000 }, (_, index) => `${index} `);
  const { promise: written, resolve: goOn } = gate();
  const { promise: read, resolve: finish } = gate();
  await using llm = await startLlmServer([
    stream([
      chunk({ content: "begin " }),
      ...words.map((word) => chunk({ content: word })),
      () => written,
      chunk({ content: "end" }),
      () => read, // once the answer is stored, its deltas are no longer sent one by one
      chunk({}, "stop"),
      "data: [DONE]\n\n",
    ]),
  ]);
  await using app = await startApp({ llm: llm.url });
  const { turn, events, stop } = await beginFollowed(app);
  const first = await events.next();
  expect(first.value).toMatchObject({ type: "user_message" });
  for await (const event of turn.watch()) if (event.type === "text_delta" && event.delta.includes("2999")) break;

  let text = "";
  let discards = 0;
  for await (const event of events) {
    text = followed(text, event);
    if (event.type === "discard") discards++;
    if (text.endsWith("2999 ")) goOn();
    if (text.endsWith("end")) finish();
    if (event.type === "assistant_message") {
      expect(discards).toBeGreaterThan(0);
      expect(text).toBe(event.message.content);
      expect(text).toBe(`begin ${words.join("")}end`);
      break;
    }
  }
  stop.abort();
});

test("large events do not wait for a slow reader: it gets the open answer from its beginning", async () => {
  const words = Array.from({ length: 10 }, (_, index) => `${"x".repeat(300_000)}${index} `);
  const { promise: begun, resolve: writeWords } = gate();
  const { promise: read, resolve: finish } = gate();
  await using llm = await startLlmServer([
    stream([
      chunk({ content: "begin " }),
      () => begun,
      ...words.map((word) => chunk({ content: word })),
      () => read,
      chunk({}, "stop"),
      "data: [DONE]\n\n",
    ]),
  ]);
  await using app = await startApp({ llm: llm.url });
  const { turn, events, stop } = await beginFollowed(app);
  let text = "";
  while (text !== "begin ") text = followed(text, (await events.next()).value as TurnEvent);
  writeWords();
  for await (const event of turn.watch()) if (event.type === "text_delta" && event.delta.endsWith("9 ")) break;
  let discards = 0;
  while (!text.endsWith("9 ")) {
    const event = (await events.next()).value as TurnEvent;
    text = followed(text, event);
    if (event.type === "discard") discards++;
  }
  finish();
  expect(discards).toBe(1);
  expect(text).toBe(`begin ${words.join("")}`);
  stop.abort();
  await events.return(undefined);
});

test("a reader that comes from another host, with the number of its last event, gets the open answer from its beginning", async () => {
  await using llm = await startLlmServer([answer("fine")]);
  await using app = await startApp({ llm: llm.url });
  const session = app.sessions.open("c1");
  await collect(session.prompt({ requestId: "r1", text: "one" }));
  const delta = { type: "text_delta" as const, delta: "begin" };
  const cursor = { isBehind: false, take: () => [delta], stored: () => [], void: () => [] };
  jest.spyOn(session, "overhear").mockReturnValue({ cursor, leave: () => {} });
  for (const [from, told] of [
    [4, ["discard", "text_delta"]],
    [1, ["user_message", "assistant_message", "turn_end", "text_delta"]],
  ] as const) {
    const events = conversationEvents(session, from, new AbortController().signal);
    const types: string[] = [];
    for await (const { type } of events) if (types.push(type) === told.length) break;
    expect(types).toEqual(told);
  }
});

test("a reader that comes back after a restart, before the turn continues here, gets the open answer from its beginning", async () => {
  await using llm = await startLlmServer([answer("fine"), answer("again")]);
  await using app = await startApp({ llm: llm.url });
  const session = app.sessions.open("c1");
  await collect(session.prompt({ requestId: "r1", text: "one" }));
  const events = conversationEvents(session, 4, new AbortController().signal);
  const told = events.next();
  await collect(session.prompt({ requestId: "r2", text: "two", streaming: true }));
  const types = [(await told).value?.type];
  for await (const { type } of events) if (types.push(type) === 3) break;
  expect(types.filter((type) => type !== "user_message")).toEqual(["discard", "text_delta"]);
});

test.each(["deleted", "deleted and begun anew"])("a follower is told that the conversation was %s", async (what) => {
  await using llm = await startLlmServer(() => answer("fine"));
  await using app = await startApp({ llm: llm.url });
  await collect(app.sessions.open("c1").prompt({ requestId: "r1", text: "one" }));
  const stop = new AbortController();
  const events = conversationEvents(app.sessions.open("c1"), 1, stop.signal);
  for await (const event of events) if (event.type === "turn_end") break;
  const following = conversationEvents(app.sessions.open("c1"), 4, stop.signal);
  const told = expect(following.next()).rejects.toMatchObject({ kind: "not_found" });
  await app.sessions.delete("c1");
  if (what !== "deleted") await collect(app.sessions.open("c1").prompt({ requestId: "r2", text: "two" }));
  await told;
  stop.abort();
});
