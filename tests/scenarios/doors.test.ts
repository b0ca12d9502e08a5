import { expect, test } from "@jest/globals";
import { startApp } from "../support/app.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { doors } from "./doors/doors.js";

test.each([true, false])(
  "a conversation that goes through all doors is the same conversation to each of them, streamed: %s",
  async (streaming) => {
    await using llm = await startLlmServer(({ body }) => answer(`heard ${JSON.stringify(body.messages?.length)}`));
    await using app = await startApp({
      llm: llm.url,
      config: { chat: { service: { streaming: { enabled: streaming } } } },
    });
    const conversationId = "c1";
    const open = await Promise.all(doors.map((door) => door.open(app, streaming)));
    const texts = doors.map(({ name }) => `through ${name}`);
    for (const [index, door] of open.entries()) {
      await door.prompt({ conversationId, requestId: `r${index}`, text: texts[index] ?? "" });
      const told = llm.requests
        .at(-1)
        ?.body.messages?.flatMap(({ role, content }) => (role === "user" ? [content] : []));
      expect(told).toEqual(texts.slice(0, index + 1));
    }
    expect(llm.requests).toHaveLength(doors.length);
    for (const [index, door] of doors.entries()) {
      const shown = await open[index]?.history?.(conversationId);
      expect(shown === undefined).toBe(door.cannot?.["show history"] !== undefined);
      const places = texts.map((text) => shown?.indexOf(text) ?? 0);
      expect(places).not.toContain(-1);
      expect(places).toEqual(places.toSorted((one, other) => one - other));
    }
    for (const door of open) await door[Symbol.asyncDispose]();
  },
);
