import { expect, test } from "@jest/globals";
import { longConversation } from "./long-conversation.js";

const window = 16_000;
const requests = 120;
const counts = { "as estimated": () => 0.25, "almost twice as much": () => 0.45 };
const lengths = { "of one length": () => 240, "of many lengths": (message: number) => 40 + ((message * 148) % 800) };

const cases = (["auto", "off", "failing"] as const).flatMap((compaction) =>
  Object.entries(counts).flatMap(([counted, tokensPerByte]) =>
    Object.entries(lengths).flatMap(([length, words]) =>
      [false, true].map((callsTools) => ({ compaction, counted, tokensPerByte, length, words, callsTools })),
    ),
  ),
);

test.each(cases)(
  "the beginning of the request changes at most once per half window of new text: summaries $compaction, counted $counted, messages $length, tools $callsTools",
  async ({ compaction, tokensPerByte, words, callsTools }) => {
    const talk = await longConversation({ window, requests, compaction, tokensPerByte, words, callsTools });
    expect(talk.breaks).toBeGreaterThan(0);
    expect(talk.breaks).toBeLessThanOrEqual(talk.newTokens / (window / 2));
    expect(talk.largest).toBeLessThan(window);
  },
  120_000,
);
