import { describe, expect, test } from "@jest/globals";
import { startApp } from "../support/app.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { until } from "../support/mcp-hub.js";
import { openWires } from "./http/socket.js";
import { chat, openPipe } from "./pipe.js";
import { HeldSink } from "./support.js";

const words = "word ".repeat(400).trim();

describe("a client that does not read", () => {
  test("is not read from beyond a bound, and gets everything once it reads", async () => {
    await using llm = await startLlmServer(() => answer(words));
    await using app = await startApp({ llm: llm.url });
    const before = await app.sessions.open("c1").submit({ requestId: "before", text: "hi" });
    for await (const _ of before.watch());
    const stdout = new HeldSink();
    const pipe = openPipe(app, stdout);
    const pings = 20_000;
    pipe.send(chat("r1", "hi", { conversation_id: "c2" }, { streaming: true }));
    for (let n = 0; n < 300; n++) pipe.send({ action: "history", request_id: `h${n}`, conversation_id: "c1" });
    for (let n = 0; n < pings; n++) pipe.send({ action: "ping", request_id: `p${n}` });
    const sent = pipe.unread();
    let lastSeq = 0;
    await until(() => {
      void app.sessions.history("c2").then((events) => {
        lastSeq = events.at(-1)?.seq ?? 0;
      });
      return lastSeq === 3;
    });
    expect(stdout.writableLength).toBeLessThan(4 * stdout.writableHighWaterMark);
    expect(pipe.unread()).toBeGreaterThan(sent / 2);
    stdout.release();
    expect(await pipe.end()).toBe(0);
    const all = pipe.messages();
    const pongs = all.filter(({ chunk: { type } }) => type === "pong");
    expect(pongs.map(({ request_id }) => request_id)).toEqual(Array.from({ length: pings }, (_, n) => `p${n}`));
    const told = all.filter(({ chunk: { type } }) => type === "history_end");
    expect(new Set(told.map(({ request_id }) => request_id)).size).toBe(300);
    expect(all.filter(({ chunk: { type, data } }) => type === "turn_end" && data === words)).toHaveLength(1);
  });

  test("does not keep turns from their end in the log, and sees each of them whole later", async () => {
    await using llm = await startLlmServer(() => answer(words));
    await using app = await startApp({ llm: llm.url });
    const stdout = new HeldSink();
    const pipe = openPipe(app, stdout);
    const ids = Array.from({ length: 20 }, (_, n) => `c${n}`);
    for (const id of ids) pipe.send(chat(`r-${id}`, "hi", { conversation_id: id }, { streaming: true }));
    let ended = 0;
    await until(() => {
      void app.sessions.list({ most: 100 }).then(({ conversations: all }) => {
        ended = all.filter(({ lastSeq }) => lastSeq === 3).length;
      });
      return ended === ids.length;
    });
    expect(stdout.text).toBe("");
    stdout.release();
    await pipe.end();
    const all = pipe.messages();
    for (const id of ids) {
      const own = all.filter(({ request_id }) => request_id === `r-${id}`);
      const pieces = own.flatMap(({ chunk: { type, data } }) => (type === "text" ? [data] : []));
      expect(pieces.join("")).toBe(words);
      expect(own.at(-1)).toMatchObject({ status: "complete", chunk: { data: words } });
    }
  });

  test("is left by the second Ctrl-C", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app, new HeldSink());
    for (let n = 0; n < 5000; n++) pipe.send({ action: "ping", request_id: `p${n}` });
    await until(() => pipe.stdout.writableNeedDrain);
    pipe.interrupt();
    pipe.interrupt();
    expect(await pipe.exitCode).toBe(130);
  });

  test("costs a WebSocket's host as little, and other clients nothing", async () => {
    const replies = ["word ".repeat(4000).trim()];
    await using llm = await startLlmServer(() => answer(replies.shift() ?? "short"));
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c1");
    for await (const _ of (await session.submit({ requestId: "before", text: "hi" })).watch());
    const pages = app.sessions.pages.bind(app.sessions);
    let begun = 0;
    app.sessions.pages = (conversationId, from) => {
      begun++;
      return pages(conversationId, from);
    };
    using door = openWires(app);
    await using silent = await door.connect();
    silent.socket.pause();
    const requests = 3000;
    for (let n = 0; n < requests; n++) {
      silent.send({ action: "history", request_id: `h${n}`, conversation_id: "c1" });
    }
    await using lively = await door.connect();
    for (let n = 0; n < 10; n++) {
      lively.send(chat(`r${n}`, "hi", { conversation_id: "c2" }));
      await lively.until(({ status }) => status === "complete");
    }
    expect(begun).toBeLessThan(100); // the host buffers 1 MiB, about 50 of these answers
    expect(silent.socket.bufferedAmount).toBeGreaterThan(0);
    silent.socket.resume();
    for (let ends = 0; ends < requests; ends++) await silent.until(({ chunk: { type } }) => type === "history_end");
    expect(begun).toBe(requests);
  });
});
