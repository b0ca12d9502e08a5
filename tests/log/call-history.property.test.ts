import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { StorageConfig } from "../../src/core/config.js";
import type { ChatEvent, ForkEvent, UserMessageEvent } from "../../src/core/events.js";
import type { AssistantMessage, ContentPart, Message } from "../../src/core/messages.js";
import { driverUnderTest, withStore } from "../support/storages.js";
import { listed, request, rowsIn, turn } from "./support.js";

const text = (value: string): ContentPart[] => [{ type: "text", text: value }];
const user = (value: string): Message => ({ role: "user", content: text(value) });
const answer = (content: string, more: Partial<AssistantMessage> = {}): AssistantMessage => ({
  role: "assistant",
  content,
  toolCalls: [],
  ...more,
});

const said: readonly Message[] = [
  user("Hello"),
  user("a\0b \ud800"),
  { role: "user", content: [{ type: "image", data: "AAAA", mimeType: "image/png" }, ...text("what is it?")] },
  { role: "system", content: "Be brief." },
  answer("Hello"),
];
const kept = {
  wire: "chat",
  provider: "p",
  account: "a",
  model: "m",
  parts: [{ opaque: { signature: "s" } }, { text: 5 }],
};
const calls = [{ id: "call_1", name: "everything__add", arguments: '{"a":2}' }];
/** What the model answers, and what the caller makes of it in the next call. */
const answers: readonly { stored: AssistantMessage; sent: readonly Message[] }[] = [
  { stored: answer("Hi"), sent: [answer("Hi")] },
  { stored: answer("Hi", { reasoning: "So…", kept }), sent: [answer("Hi")] },
  { stored: answer("Hi", { reasoning: "So…", kept }), sent: [answer("Hi", { reasoning: "So…", kept })] },
  { stored: answer("Hi"), sent: [answer("Changed by the caller")] },
  {
    stored: answer("", { toolCalls: calls }),
    sent: [
      answer("", { toolCalls: [{ ...calls[0], id: "call_of_the_host" } as (typeof calls)[0]] }),
      { role: "tool", toolCallId: "call_of_the_host", content: text("42"), isError: false },
    ],
  },
];

const steps = fc.array(
  fc.record({
    what: fc.constantFrom("go on", "go on", "go on", "go on", "begin", "edit", "delete", "copy", "repeat"),
    /** Chooses the call that the step starts from, and where its messages are cut or changed. */
    of: fc.nat(),
    at: fc.nat(),
    message: fc.constantFrom(...said),
    answer: fc.constantFrom(...answers),
  }),
  { maxLength: 25 },
);
type Step = typeof steps extends fc.Arbitrary<(infer Each)[]> ? Each : never;

interface Call {
  conversationId: string;
  event: UserMessageEvent;
  /** What the caller sends next, except its new message. */
  next: readonly Message[];
}

/** Stores a call with these messages, and its answer. */
async function store(log: ChatStore, id: number, messages: readonly Message[], { stored, sent }: Step["answer"]) {
  const conversationId = `single_${id}`;
  const last = messages.at(-1);
  const isAsked = last?.role === "user";
  const event: UserMessageEvent = {
    type: "user_message",
    turnId: `turn_${id}`,
    requestId: `request_${id}`,
    content: isAsked ? last.content : [],
    ...(messages.length > 1 || !isAsked ? { history: [...(isAsked ? messages.slice(0, -1) : messages)] } : {}),
  };
  const claim = await log.claim(conversationId, event, request("n"));
  expect(claim.events[0]).toMatchObject(event);
  const lease = await log.turns.acquire(conversationId, event.turnId, "n");
  const own = turn(event.turnId);
  const done: ChatEvent[] = [{ ...own.answer(""), message: stored }, own.end()];
  await log.appendAll(conversationId, done, { fence: lease?.fence ?? 0, position: 2, lastSeq: 1 });
  return { conversationId, event, next: [...messages, ...sent] };
}

/** Returns the number of rows and the bytes of their texts. */
async function rowsOf(storage: StorageConfig) {
  const sql = "SELECT count(*) AS count, coalesce(sum(length(message)), 0) AS chars FROM history_messages";
  const [row] = await rowsIn(storage, sql);
  return { count: Number(row?.count), chars: Number(row?.chars) };
}

test("calls read back what their callers have sent, whatever happened to the calls before them", () =>
  withStore(async (log, storage) => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const living: Call[] = [];
        const copies: { conversationId: string; event: UserMessageEvent }[] = [];
        const check = async () => {
          for (const { conversationId, event } of living) {
            expect((await log.read(conversationId))[0]).toEqual({ ...event, seq: 1, at: expect.any(Number) });
          }
          for (const { conversationId, event } of copies) {
            expect((await log.read(conversationId))[1]).toEqual({ ...event, seq: 2, at: expect.any(Number) });
          }
        };
        for (const { what, of, at, message, answer } of taken) {
          const call = living[of % living.length];
          const before = call?.next ?? [];
          const id = count++;
          if (what === "begin" || !call) living.push(await store(log, id, [message], answer));
          else if (what === "go on") living.push(await store(log, id, [...before, message], answer));
          else if (what === "edit") {
            const cut = at % (before.length + 1);
            living.push(await store(log, id, [...before.slice(0, cut), message, ...before.slice(cut + 1)], answer));
          } else if (what === "repeat") {
            const again = await log.claim(call.conversationId, { ...call.event, turnId: "other" }, request("n"));
            expect(again).toMatchObject({ created: false, ended: true });
            expect(again.events[0]).toMatchObject(call.event);
          } else if (what === "copy") {
            const origins = [call.conversationId];
            const first: ForkEvent = { type: "fork", turnId: `fork_${id}`, origins, toSeq: 3 };
            await log.archive.copy(call.conversationId, `copy_${id}`, () => ({ first, seqs: [1, 2, 3] }));
            copies.push({ conversationId: `copy_${id}`, event: call.event });
          } else {
            living.splice(living.indexOf(call), 1);
            expect(await log.archive.expire(call.conversationId, 3)).toBe(true);
          }
        }
        await check();
        for (const call of [...living]) {
          living.splice(living.indexOf(call), 1);
          expect(await log.archive.delete(call.conversationId)).toEqual([call.conversationId]);
          if (driverUnderTest !== "postgres") await check();
        }
        await check();
        expect(await rowsOf(storage)).toEqual({ count: 0, chars: 0 });
        for (const { conversationId } of copies) await log.archive.delete(conversationId);
      }),
      { numRuns: driverUnderTest === "postgres" ? 15 : 60 },
    );
  }));

test("a chat stores the new messages of each call, and no more than those once its first calls are deleted", () =>
  withStore(async (log, storage) => {
    let messages: readonly Message[] = [];
    const long = "x".repeat(1_000);
    for (let id = 0; id < 20; id++) {
      const stored = answer(`answer ${id} ${long}`);
      const call = await store(log, id, [...messages, user(`question ${id} ${long}`)], { stored, sent: [stored] });
      messages = call.next;
    }
    const { count, chars } = await rowsOf(storage);
    expect(count).toBe(39); // 20 questions and 19 answers
    expect(chars).toBe(19 * "{}".length); // the events of the calls have the messages
    expect(await rowsIn(storage, "SELECT title FROM conversations WHERE title IS NOT NULL")).toEqual([]);
    const [latest] = await listed(log);
    expect(latest?.title).toBe(`question 19 ${long}`.slice(0, 80));
    const turns = await rowsIn(storage, "SELECT turn_id FROM turns WHERE turn_id <> 'turn_19'");
    expect(turns).toEqual([]); // the caller has the answers of these calls
    const requests = await rowsIn(storage, "SELECT request_id FROM events WHERE type = 'user_message' ORDER BY id");
    expect(requests.map((row) => row.request_id)).toEqual(Array.from({ length: 20 }, (_, id) => `request_${id}`));
    for (let id = 0; id < 19; id++) await log.archive.delete(`single_${id}`);
    const left = await rowsOf(storage);
    expect(left.count).toBe(39);
    expect(left.chars).toBeLessThan(38 * 1_200);
    const [event] = await log.read("single_19");
    expect(event).toMatchObject({ history: messages.slice(0, 38) });
  }));

test("a request is known in its call and in a copy of it", () =>
  withStore(async (log) => {
    const { event } = await store(log, 1, [user("Hello"), answer("Hi"), user("Again?")], answers[0] as Step["answer"]);
    const first: ForkEvent = { type: "fork", turnId: "fork", origins: ["single_1"], toSeq: 3 };
    await log.archive.copy("single_1", "copy", () => ({ first, seqs: [1, 2, 3] }));
    await log.archive.copy("copy", "single_2", () => ({ first: { ...first, origins: ["copy"] }, seqs: [2, 3, 4] }));
    for (const conversationId of ["single_1", "copy", "single_2"]) {
      const again = await log.claim(conversationId, { ...event, turnId: "other" }, request("n"));
      expect(again).toMatchObject({ created: false, turnId: "turn_1", ended: true });
      const other = log.claim(conversationId, { ...event, content: text("Other") }, request("n"));
      await expect(other).rejects.toMatchObject({ kind: "request_mismatch" });
      const next = { ...turn("next").user("More"), history: [user("Hello")] };
      expect(await log.claim(conversationId, next, request("n"))).toMatchObject({ created: true, turnId: "next" });
      const known = await log.claim(conversationId, { ...next, turnId: "other" }, request("n"));
      expect(known).toMatchObject({ created: false, turnId: "next", ended: false });
    }
  }));

test("calls that send the same history at once all keep it whole, and each can be continued or deleted alone", () =>
  withStore(async (log, storage) => {
    const stored = answer("It is.", { reasoning: "So…", kept });
    const start = await store(log, 0, [user("Is it?")], { stored, sent: [stored] });
    // The log knows the beginning of this history, and not the rest.
    const history = [...start.next, user("Really?"), answer("Yes."), user("Why?"), answer("Because.")];
    const branches = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        store(log, 1 + index, [...history, user(`branch ${index}`)], { stored, sent: [stored] }),
      ),
    );
    const next = await Promise.all(
      branches.map((call, index) => store(log, 9 + index, [...call.next, user("Go on.")], { stored, sent: [stored] })),
    );
    const living = [start, ...branches, ...next];
    while (living.length > 0) {
      for (const { conversationId, event } of living) {
        expect((await log.read(conversationId))[0]).toEqual({ ...event, seq: 1, at: expect.any(Number) });
      }
      const gone = living.shift() as Call;
      expect(await log.archive.delete(gone.conversationId)).toEqual([gone.conversationId]);
    }
    expect(await rowsOf(storage)).toEqual({ count: 0, chars: 0 });
  }));

test("a call that is refused because its conversation was deleted stores nothing of its history", () =>
  withStore(async (log, storage) => {
    const content = text("Go on.");
    const history = [user("Hello"), answer("Hi")];
    const event: UserMessageEvent = { type: "user_message", turnId: "turn_1", requestId: "r", content, history };
    const refused = log.claim("single_1", event, { ...request("n"), continues: 3 });
    await expect(refused).rejects.toMatchObject({ kind: "busy" });
    expect(await rowsOf(storage)).toEqual({ count: 0, chars: 0 });
  }));
