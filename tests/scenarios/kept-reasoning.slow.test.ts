import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { App } from "../../src/index.js";
import { collect, fixtureServer, isStored, startApp } from "../support/app.js";
import {
  answer,
  calls,
  type Script,
  type StrictMock,
  says,
  startAnthropic,
  startGemini,
  startOpenAi,
  thinks,
} from "../support/strict/index.js";

/** Wires, each with two models of one family, and, if the vendor has one, a model that cannot read their reasoning. */
const wires = [
  {
    wire: "responses",
    start: startOpenAi,
    model: "gpt-5.6-sol",
    kin: "gpt-5.6-luna",
    other: "gpt-5.5",
    seal: /"encrypted_content":"([^"]+)"/g,
  },
  {
    wire: "messages",
    start: startAnthropic,
    model: "claude-opus-5-5",
    kin: "claude-sonnet-5-5",
    seal: /"signature":"([^"]+)"/g,
    // Thinking is bound to the messages that a summary replaces.
    forgetsAtSummary: true,
  },
  {
    wire: "gemini",
    start: startGemini,
    model: "gemini-3.5-pro",
    kin: "gemini-3.5-flash",
    seal: /"thoughtSignature":"(CiQB[^"]+)"/g,
  },
];

/** Thinks three times in each turn: before two concurrent calls, before one more call, and before the final text. */
const script: Script = ({ results, userText }) => {
  if (userText.includes("<conversation>")) return answer("A summary.");
  const thought = thinks(`thought of ${userText}`);
  if (results.length === 2) return answer(thought, calls("s__big", { bytes: 700 }));
  if (results.length === 1) return answer(thought, says(`end of ${userText}`));
  return answer(thought, says("first"), calls("s__big", { bytes: 600 }), calls("s__big", { bytes: 601 }));
};

describe.each(wires)("over $wire", ({ wire, start, model, kin, other, seal, forgetsAtSummary = false }) => {
  let mock: StrictMock;
  let app: App;
  beforeAll(async () => {
    mock = await start(script);
    const provider = { base_url: mock.url, wire, model, api_key: "sk-test-0123456789" };
    app = await startApp({
      llm: mock.url,
      mcpServers: { s: fixtureServer() },
      config: {
        llm: {
          active: "mine",
          providers: { mine: provider, stranger: { ...provider, api_key: "sk-other-123456789" } },
        },
      },
    });
    await app.ready();
  });
  afterAll(async () => {
    await app.close();
    await mock[Symbol.asyncDispose]();
  });

  /** Runs a turn. Resolves to the reasoning that its first request sends back. */
  async function turn(conversation: string, text: string, chosen?: string): Promise<string[]> {
    const [before, refused, heard] = [mock.requests.length, mock.refusals.length, mock.hops.length];
    const session = app.sessions.open(conversation);
    const events = await collect(session.prompt({ requestId: text, text, streaming: true, model: chosen }));
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
    expect(mock.refusals.slice(refused).map(String)).toEqual([]);
    const lost = mock.hops.slice(heard).flatMap(({ lostReasoning, warnings }) => [...lostReasoning, ...warnings]);
    // Another model's answers lose even their phase, and thinking from before a summary would be refused.
    const isLess = text.includes("stranger") || (forgetsAtSummary && text.includes("summary"));
    if (!isLess) expect(lost).toEqual([]);
    const isSummed = events.filter(isStored).some(({ type }) => type === "compaction");
    return sealsIn(mock.requests[before + (isSummed ? 1 : 0)]?.text);
  }
  const sealsIn = (text = "") => [...text.matchAll(seal)].map(([, one = ""]) => one);
  const conversations = () => app.sessions.conversations;

  test("a copy and what it was copied from send everything back, and nothing of each other", async () => {
    await turn("fork", "one");
    await turn("fork", "two");
    const copy = await conversations().fork("fork");
    const early = await conversations().fork("fork", { to: "early", toSeq: 15 });
    expect(await turn(copy, "three in the copy")).toHaveLength(6);
    expect(await turn(early, "three, early")).toHaveLength(3);
    expect(await turn("fork", "three")).toHaveLength(6);
    expect(await turn("fork", "four")).toHaveLength(9);
  });

  test("turns that are taken back take their reasoning along, and the others keep theirs", async () => {
    for (const text of ["one", "two", "three"]) await turn("rewind", text);
    await conversations().rewind("rewind", { turns: 2 });
    expect(await turn("rewind", "two again")).toHaveLength(3);
    expect(await turn("rewind", "three again")).toHaveLength(6);
    expect(mock.requests.at(-1)?.text).not.toMatch(/"(two|three)"/);
  });

  test("another model of the family gets everything, another family and another account nothing, and all of it is there again", async () => {
    await turn("model", "one");
    expect(await turn("model", "kin", kin)).toHaveLength(3);
    expect(await turn("model", "back")).toHaveLength(6);
    if (other) {
      expect(await turn("model", "stranger to the family", other)).toHaveLength(0);
      expect(await turn("model", "after the stranger")).toHaveLength(9);
    }
    expect(await turn("model", "stranger", `stranger/${model}`)).toHaveLength(0);
    expect(await turn("model", "stranger again", `stranger/${kin}`)).toHaveLength(3);
    expect(await turn("model", "home from the stranger")).toHaveLength(other ? 12 : 9);
  });

  test("after a summary the turns that stay and those that come are sent back, and a rewind before it has all again", async () => {
    for (const text of ["one", "two"]) await turn("sum", text);
    app.sessions.open("sum").compactNext();
    expect(await turn("sum", "three after the summary")).toHaveLength(0);
    expect(await turn("sum", "four after the summary")).toHaveLength(3);
    const copy = await conversations().fork("sum");
    expect(await turn(copy, "five after the summary, in a copy")).toHaveLength(6);
    await conversations().rewind("sum", { turns: 2 });
    expect(await turn("sum", "three again")).toHaveLength(6);
  });
});
