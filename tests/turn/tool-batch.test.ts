import { hash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import type { ChatEvent, QuestionEvent, StartedCall } from "../../src/core/events.js";
import { textOf } from "../../src/core/messages.js";
import type { PreparedCall, Toolbox } from "../../src/core/ports.js";
import { traceOf } from "../../src/core/trace-context.js";
import { patterns } from "../../src/session/shared/rules.js";
import { Loops } from "../../src/turn/loops.js";
import { EventQueue } from "../../src/turn/outlet.js";
import type { PolicyRules } from "../../src/turn/policy.js";
import { type CallingTurn, runToolCalls } from "../../src/turn/tool-batch.js";

const sent: StartedCall = { call: { id: "c1", name: "s__look", arguments: "{}" }, planned: true, sent: true };
const nothingSaid = {
  approval: "ask",
  changedTools: "ask",
  turn: { allow: [], deny: [], all: false },
  permissions: { allow: [], deny: [], ask: [] },
  memory: { find: () => undefined, remember: () => {} },
} as unknown as PolicyRules;

/** Returns the common part of a turn's calls, and the events that are stored for them. */
function turnWith(parts: Pick<CallingTurn, "tools" | "signal"> & Partial<CallingTurn>) {
  const events: ChatEvent[] = [];
  const store = async (stored: readonly ChatEvent[]) => void events.push(...stored);
  const calling: CallingTurn = {
    turnId: "turn_1",
    trace: traceOf("turn_1"),
    rules: nothingSaid,
    loops: new Loops(),
    newId: (prefix: string) => prefix,
    out: new EventQueue({ store, show: () => {} }),
    answer: async () => false,
    ...parts,
  };
  return { events, calling };
}

test("a call that was in flight when its host died, of a turn that was cancelled meanwhile, is not sent again and says why", async () => {
  const hub: Toolbox = {
    tools: () => [],
    prepare: () => {
      throw new Error("it must not be prepared");
    },
  };
  const { events, calling } = turnWith({ tools: hub, signal: AbortSignal.abort() });
  await runToolCalls({ calls: [sent], hop: 0, truncated: false, runnable: 1 }, calling);
  expect(events).toEqual([expect.objectContaining({ type: "tool_result", callId: "c1", isError: true })]);
  expect(JSON.stringify(events)).toMatch(/outcome unknown: .*; it was not sent again, because the turn was cancelled/);
});

test("what became of the calls before one that a person is still asked about is stored before he is waited for", async () => {
  const call = { id: "c1", name: "s__gone", arguments: "{}" };
  const started = (id: string): StartedCall => ({ call: { ...call, id }, planned: true, sent: false });
  const facts = { server: "s", tool: "t", readOnly: false, idempotent: false, destructive: true, openWorld: true };
  const hub: Toolbox = {
    tools: () => [],
    prepare: async ({ id }) =>
      id === "c1"
        ? { refused: { content: [{ type: "text", text: "there is no tool s__gone" }], isError: true } }
        : ({ ...facts, name: "s__t", arguments: {} } as unknown as PreparedCall),
  };
  let before: string[] = [];
  const { events, calling } = turnWith({
    tools: hub,
    signal: new AbortController().signal,
    answer: async () => {
      before = events.map(({ type }) => type);
      return false;
    },
  });
  const question = { type: "question", questionId: "q", question: { kind: "approval" } } as QuestionEvent;
  await runToolCalls(
    { calls: [started("c1"), { ...started("c2"), question }], hop: 0, truncated: false, runnable: 2 },
    calling,
  );
  expect(before).toEqual(["tool_result"]);
  expect(events.map(({ type }) => type)).toEqual(["tool_result", "answer", "tool_result"]);
});

describe("the questions about the calls of one answer", () => {
  /** Runs calls of these tools of the server `s`. `asked` has the open questions, by the number of the call; `sent` the calls that were sent. */
  function begin(tools: readonly string[], rules: Partial<PolicyRules> = {}, started: Partial<StartedCall>[] = []) {
    const facts = { server: "s", readOnly: false, idempotent: false, destructive: true, openWorld: true };
    const sent: string[] = [];
    const hub: Toolbox = {
      tools: () => [],
      prepare: async ({ id, name, arguments: text }) => ({
        ...facts,
        tool: name.slice(3),
        place: "s",
        autoApproved: false,
        arguments: JSON.parse(text) as Record<string, unknown>,
        pin() {},
        async send() {
          sent.push(`${id} ${text}`);
          return { content: [{ type: "text", text: "done" }], isError: false };
        },
      }),
    };
    const asked = new Map<string, { question: QuestionEvent; answer: (value: unknown) => void }>();
    let ids = 0;
    const stop = new AbortController();
    const { events, calling } = turnWith({
      tools: hub,
      signal: stop.signal,
      newId: () => `q${++ids}`,
      rules: { ...nothingSaid, ...rules },
      answer: (question, over) =>
        new Promise((resolve) => {
          asked.set(callOf(question), { question, answer: resolve });
          for (const signal of [stop.signal, over]) signal?.addEventListener("abort", () => resolve(false));
        }),
    });
    const calls = tools.map((tool, index) => ({
      call: { id: `${index}`, name: `s__${tool}`, arguments: "{}" },
      planned: true,
      sent: false,
      ...started[index],
    }));
    const results = runToolCalls({ calls, hop: 0, truncated: false, runnable: 9 }, calling);
    return { asked, events, results, sent, stop };
  }
  const callOf = ({ question }: QuestionEvent) => (question.kind === "approval" ? question.call.id : "");
  const nextIteration = () => new Promise((resolve) => setImmediate(resolve));
  const answersIn = (events: readonly ChatEvent[]) =>
    events.flatMap((event) => (event.type === "answer" ? [[event.questionId, event.value]] : []));

  test("are stored and open all at once, calls that need none run meanwhile, and each runs when its own was answered", async () => {
    const permissions = { allow: patterns(["s.look"]), ask: [], deny: [] };
    const { asked, events, results, sent } = begin(["pay", "look", "book", "send"], { permissions });
    await nextIteration();
    expect([...asked.keys()]).toEqual(["0", "2", "3"]);
    expect(events.filter(({ type }) => type === "question")).toHaveLength(3);
    expect(sent).toEqual(["1 {}"]);
    asked.get("3")?.answer(true);
    await nextIteration();
    expect(sent).toEqual(["1 {}", "3 {}"]);
    asked.get("0")?.answer(true);
    asked.get("2")?.answer({ allow: false, message: "too dear" });
    expect((await results).map(({ toolCallId }) => toolCallId)).toEqual(["0", "1", "2", "3"]);
    expect(sent).toEqual(["1 {}", "3 {}", "0 {}"]);
    expect(JSON.stringify(events)).toContain("the user did not allow s__book: too dear");
  });

  test.each([
    { allow: true, expected: ["0 {}", "2 {}"] },
    { allow: false, expected: [] },
  ])("an answer that is remembered answers the others that it covers: allow $allow", async ({ allow, expected }) => {
    const kept: string[] = [];
    const memory: PolicyRules["memory"] = {
      find: ({ tool }) => (kept.includes(tool) ? { allow, remember: "session" } : undefined),
      remember: ({ tool }) => void kept.push(tool),
    };
    const { asked, events, results, sent } = begin(["book", "pay", "book"], { memory });
    await nextIteration();
    asked.get("0")?.answer({ allow, remember: "session" });
    await nextIteration();
    expect(sent).toEqual(expected);
    expect(answersIn(events)).toEqual([
      ["q1", { allow, remember: "session" }],
      ["q3", { allow, remember: "session" }],
    ]);
    asked.get("1")?.answer(false);
    await results;
  });

  test("a no that came in the same moment is not overruled by a yes for all calls of the tool", async () => {
    const kept: string[] = [];
    const memory: PolicyRules["memory"] = {
      find: ({ tool }) => (kept.includes(tool) ? { allow: true, remember: "session" } : undefined),
      remember: ({ tool }) => void kept.push(tool),
    };
    const { asked, results, sent } = begin(["book", "book"], { memory });
    await nextIteration();
    asked.get("0")?.answer({ allow: true, remember: "session" });
    asked.get("1")?.answer(false);
    await results;
    expect(sent).toEqual(["0 {}"]);
  });

  test("close when the turn is cancelled", async () => {
    const { events, results, sent, stop } = begin(["book", "pay"]);
    await nextIteration();
    stop.abort();
    await results;
    expect(sent).toEqual([]);
    expect(answersIn(events)).toEqual([
      ["q1", false],
      ["q2", false],
    ]);
    expect(JSON.stringify(events.filter(({ type }) => type === "tool_result"))).toContain("the turn was cancelled");
  });

  const changed = { allow: true, arguments: { to: "Bonn" } };

  test("a call runs with the arguments to which the person has changed it, and the model is told", async () => {
    const { asked, events, results, sent } = begin(["book"]);
    await nextIteration();
    asked.get("0")?.answer(changed);
    const told = 'done\n(the user changed the arguments of this call to {"to":"Bonn"})';
    expect((await results).map(({ content }) => textOf(content))).toEqual([told]);
    expect(sent).toEqual(['0 {"to":"Bonn"}']);
    expect(answersIn(events)).toEqual([["q1", changed]]);
  });

  test("the rules decide about changed arguments anew", async () => {
    const permissions = { allow: [], ask: [], deny: patterns(["s.book(to=Bonn)"]) };
    const { asked, results, sent } = begin(["book"], { permissions });
    await nextIteration();
    asked.get("0")?.answer(changed);
    expect(JSON.stringify(await results)).toMatch(/not run: the user's policy denies .*the user changed/);
    expect(sent).toEqual([]);
  });

  const question = (call: string) =>
    ({
      type: "question",
      questionId: "q",
      question: { kind: "approval", place: "s", call: { id: call } },
    }) as QuestionEvent;

  test.each([
    { after: "the answer", rules: {} },
    { after: "the answer, by rules that allow the call by now", rules: { approval: "auto" as const } },
  ])("a crash after $after runs what the person has allowed, not what the model wrote", async ({ rules }) => {
    const { results, sent } = begin(["book", "pay"], rules, [
      { question: question("0"), answer: { value: changed } },
      { question: question("1"), answer: { value: false } },
    ]);
    await results;
    expect(sent).toEqual(['0 {"to":"Bonn"}']);
  });

  test("an open question is closed if the rules allow the call after a restart", async () => {
    const { events, results, sent } = begin(["book"], { approval: "auto" }, [{ question: question("0") }]);
    await results;
    expect(sent).toEqual(["0 {}"]);
    expect(answersIn(events)).toEqual([["q", true]]);
  });

  test("of a call with changed arguments that was in flight when its host died, the model is told with which it was sent", async () => {
    const started = { sent: true, question: question("0"), answer: { value: changed } };
    const unknown = begin(["book"], { turn: { allow: [], deny: [], all: true } }, [started]);
    expect(JSON.stringify(await unknown.results)).toMatch(/outcome unknown.*the user changed/);
    expect(unknown.sent).toEqual([]);
  });
});

test("the answer is stored before a check of its calls that takes long has ended, so that a paid answer is not lost", async () => {
  let before: string[] = [];
  const hub: Toolbox = {
    tools: () => [],
    async prepare() {
      await setTimeout(20); // as a check in a thread, which ends in a later iteration of the event loop
      before = events.map(({ type }) => type);
      return { refused: { content: [], isError: true } };
    },
  };
  const { events, calling } = turnWith({ tools: hub, signal: new AbortController().signal });
  calling.out.add({ type: "assistant_message", turnId: "turn_1" } as ChatEvent);
  const call = { call: { id: "c1", name: "s__t", arguments: "{}" }, planned: false, sent: false };
  await runToolCalls({ calls: [call], hop: 0, truncated: false, runnable: 1 }, calling);
  expect(before).toEqual(["assistant_message", "tool_call"]);
  expect(events.map(({ type }) => type)).toEqual(["assistant_message", "tool_call", "tool_result"]);
});

test("a call that cannot even be looked at is refused, and the answer that asks for it is stored", async () => {
  const hub: Toolbox = {
    tools: () => [],
    prepare: () => {
      throw new TypeError("Cannot convert object to primitive value");
    },
  };
  const { events, calling } = turnWith({ tools: hub, signal: new AbortController().signal });
  const calls = ["c1", "c2"].map((id) => ({
    call: { id, name: "s__t", arguments: "{}" },
    planned: false,
    sent: id === "c2",
  }));
  await runToolCalls({ calls, hop: 0, truncated: false, runnable: 2 }, calling);
  expect(events.map(({ type }) => type)).toEqual(["tool_call", "tool_call", "tool_result", "tool_result"]);
  expect(JSON.stringify(events[2])).toContain("s__t was not called: Cannot convert object to primitive value");
  expect(JSON.stringify(events[3])).toContain("outcome unknown");
});

describe("a question that was asked before the host died", () => {
  const call = { id: "c1", name: "s__t", arguments: "{}" };
  const then = { description: "then" };
  const hashOf = (definition: object) => hash("sha256", JSON.stringify(definition), "hex");
  const redefined = "its description changed since 2026-11-28 07:00 UTC";

  test.each([
    { it: "holds for the same definition", definition: hashOf(then), now: then },
    {
      it: "does not hold for another server of the same name",
      definition: hashOf(then),
      now: then,
      place: "elsewhere",
      isNew: true,
    },
    {
      it: "does not hold for another definition",
      definition: hashOf(then),
      now: { description: "now" },
      change: redefined,
      isNew: true,
    },
    {
      it: "does not hold for another definition that was approved elsewhere meanwhile",
      definition: hashOf(then),
      now: { description: "now" },
      isNew: true,
    },
  ])("$it, answered or not", async ({ definition, now, place = "here", change, isNew = false }) => {
    for (const answer of [{ value: true }, undefined]) {
      const done: string[] = [];
      const prepared = {
        ...{ server: "s", tool: "t", place, arguments: {}, definition: now, change },
        pin: () => void done.push("pinned"),
        send: async () => {
          done.push("sent");
          return { content: [], isError: false };
        },
      } as unknown as PreparedCall;
      const hub: Toolbox = { tools: () => [], prepare: async () => prepared };
      const asked: QuestionEvent[] = [];
      const { events, calling } = turnWith({
        tools: hub,
        signal: new AbortController().signal,
        newId: () => "q2",
        async answer(question) {
          asked.push(question);
          return false;
        },
      });
      const question: QuestionEvent = {
        type: "question",
        turnId: "turn_1",
        questionId: "q1",
        question: {
          kind: "approval",
          call,
          server: "s",
          tool: "t",
          reason: "s.t is not known to be read-only",
          definition,
          place: "here",
        },
      };
      const started: StartedCall = { call, planned: true, sent: false, question, ...(answer && { answer }) };
      await runToolCalls({ calls: [started], hop: 0, truncated: false, runnable: 1 }, calling);
      const stored = events.map((event) => ("questionId" in event ? `${event.type} ${event.questionId}` : event.type));
      if (isNew) {
        expect(asked).toMatchObject([{ questionId: "q2", question: { definition: hashOf(now), place } }]);
        expect(stored).toEqual([...(answer ? [] : ["answer q1"]), "question q2", "answer q2", "tool_result"]);
        expect(done).toEqual([]);
      } else {
        expect(asked).toEqual(answer ? [] : [question]);
        expect(done).toEqual(answer ? ["sent"] : []);
      }
    }
  });
});

test("a call that was in flight is not sent again once its tool was redefined, whatever the tool says of itself", async () => {
  for (const change of [undefined, "its annotations changed since 2026-11-28 07:00 UTC"]) {
    let times = 0;
    const prepared = {
      ...{ server: "s", tool: "look", arguments: {}, readOnly: true, change },
      async send() {
        times++;
        return { content: [], isError: false };
      },
    } as unknown as PreparedCall;
    const hub: Toolbox = { tools: () => [], prepare: async () => prepared };
    const { calling } = turnWith({ tools: hub, signal: new AbortController().signal });
    await runToolCalls({ calls: [sent], hop: 0, truncated: false, runnable: 1 }, calling);
    expect(times).toBe(change ? 0 : 1);
  }
});

test.each([
  { it: "that no rule forbids is sent again", isSent: true },
  { it: "that the rules deny by now is not sent again", rules: { permissions: ["deny"] } },
  { it: "that the turn's own rules deny is not sent again", rules: { turn: ["deny"] } },
  { it: "to which the user has said no meanwhile is not sent again", rules: { no: true } },
  { it: "that the rules ask about by now is not sent again", rules: { permissions: ["ask"] } },
  { it: "that the person has allowed is sent again", rules: { permissions: ["ask"] }, said: true, isSent: true },
  { it: "that the person has not allowed is not sent again", rules: { permissions: ["ask"] }, said: false },
  {
    it: "that the person allowed for another definition is not sent again",
    rules: { permissions: ["ask"] },
    said: "other",
  },
  {
    it: "that the person allowed for another server of the same name is not sent again",
    rules: { permissions: ["ask"] },
    said: true,
    place: "elsewhere",
  },
])(
  "a call that was in flight $it",
  async ({ rules: { permissions, turn, no } = {}, said, place = "here", isSent = false }) => {
    const named = (lists: string[] = []) => Object.fromEntries(lists.map((list) => [list, patterns(["s.look"])]));
    const rules: PolicyRules = {
      ...nothingSaid,
      permissions: { ...nothingSaid.permissions, ...named(permissions) },
      turn: { ...nothingSaid.turn, ...named(turn) },
      memory: { find: () => (no ? { allow: false, remember: "always" } : undefined), remember: () => {} },
    };
    let times = 0;
    const definition = { description: "then" };
    const prepared = {
      ...{ server: "s", tool: "look", name: "s__look", place, arguments: {}, readOnly: true, definition },
      async send() {
        times++;
        return { content: [], isError: false };
      },
    } as unknown as PreparedCall;
    const asked = said === "other" ? { description: "other" } : definition;
    const question = {
      type: "question",
      questionId: "q1",
      question: { kind: "approval", definition: hash("sha256", JSON.stringify(asked), "hex"), place: "here" },
    } as QuestionEvent;
    const hub: Toolbox = { tools: () => [], prepare: async () => prepared };
    const { events, calling } = turnWith({ tools: hub, rules, signal: new AbortController().signal });
    const call = { ...sent, ...(said !== undefined && { question, answer: { value: said !== false } }) };
    await runToolCalls({ calls: [call], hop: 0, truncated: false, runnable: 1 }, calling);
    expect(times).toBe(isSent ? 1 : 0);
    expect(JSON.stringify(events).includes("outcome unknown")).toBe(!isSent);
  },
);
