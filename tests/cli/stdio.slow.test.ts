import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { expect, test } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, type LlmRequest, startLlmServer, toolCalls } from "../support/llm-server.js";
import { type Message, readMessage } from "../support/wire-messages.js";

/** Collects the messages that a running host writes to its pipe. */
function listen(host: ChildProcess) {
  const messages: Message[] = [];
  let changed = () => {};
  createInterface({ input: host.stdout as never }).on("line", (line) => {
    messages.push(readMessage(line));
    changed();
  });
  return {
    messages,
    of: (requestId: string) => messages.filter(({ request_id }) => request_id === requestId),
    async until(holds: () => boolean) {
      while (!holds()) {
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      }
    },
  };
}

test("--schema prints the schema of the messages without reading the configuration or starting anything", async () => {
  using place = new Workplace();
  place.write("config.yaml", "mcpServers: [");
  const { exitCode, stdout, stderr } = await place.run(["--config", "config.yaml", "stdio", "--schema"]);
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(existsSync(join(place.folder, ".local"))).toBe(false);
  const check = new Ajv2020().compile(JSON.parse(stdout));
  expect(check({ action: "ping", request_id: "r1" })).toBe(true);
  expect(check({ request_id: "r1", status: "complete", chunk: { type: "pong", data: null } })).toBe(true);
  expect(check({ action: "dance", request_id: "r1" })).toBe(false);
});

test("with 50 conversations on one pipe, each message names its request, in order, without gaps in seq", async () => {
  const textOf = ({ body }: LlmRequest) => String(body.messages?.findLast(({ role }) => role === "user")?.content);
  await using llm = await startLlmServer((request) =>
    request.body.messages?.at(-1)?.role === "tool" || /-2$/.test(textOf(request))
      ? answer(`${textOf(request)} is the answer to it`)
      : toolCalls([{ name: "s__echo", arguments: { said: textOf(request) } }]),
  );
  using place = new Workplace();
  const auto = { chat: { service: { approval: "auto" } } };
  place.configure(configFor(llm.url, { s: fixtureServer() }, auto));
  const host = place.start("stdio");
  const end = ended(host);
  const { of, until, messages } = listen(host);
  const send = (message: object) => void host.stdin?.write(`${JSON.stringify(message)}\n`);
  const conversations = Array.from({ length: 50 }, (_, n) => `c${n}`);
  const requests = [1, 2, 3].flatMap((turn) => conversations.map((id) => ({ id, requestId: `${id}-${turn}` })));
  for (const { id, requestId } of requests) {
    const payload = { text: requestId, streaming: true };
    send({ action: "chat", request_id: requestId, conversation_id: id, payload });
    send({ action: "list_tools", request_id: `tools of ${requestId}` });
  }
  const ends = () => messages.filter(({ status, request_id }) => status !== "chunk" && /^c/.test(request_id ?? ""));
  await until(() => ends().length >= 2 * requests.length);

  for (const { id, requestId } of requests) {
    const own = of(requestId);
    expect(own.map(({ status }) => status)).toEqual(["processing", ...own.slice(2).map(() => "chunk"), "complete"]);
    expect(own[0]?.chunk.metadata).toMatchObject({ conversation_id: id });
    expect(own.at(-1)?.chunk).toMatchObject({
      data: `${requestId} is the answer to it`,
      metadata: { conversation_id: id, stop_reason: "end_turn" },
    });
    const text = own.flatMap(({ status, chunk: { type, data } }) =>
      status === "chunk" && type === "text" ? [data] : [],
    );
    expect(text.join("")).toBe(`${requestId} is the answer to it`);
    for (const { chunk } of own.filter(({ chunk: { type } }) => type === "tool_call")) {
      expect(JSON.parse((chunk.data as { arguments: string }).arguments)).toEqual({ said: requestId });
    }
    const numbers = own.flatMap(({ seq }) => seq ?? []);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(of(`tools of ${requestId}`)).toMatchObject([{ status: "complete", chunk: { type: "tools" } }]);
  }

  for (const id of conversations) send({ action: "history", request_id: `all of ${id}`, conversation_id: id });
  host.stdin?.end();
  expect((await end).exitCode).toBe(0);
  for (const id of conversations) {
    const stored = of(`all of ${id}`).filter(({ status }) => status === "chunk");
    const last = of(`all of ${id}`).at(-1)?.chunk.data as number;
    expect([...new Set(stored.map(({ seq }) => seq))]).toEqual(Array.from({ length: last }, (_, n) => n + 1));
    const asked = stored.filter(({ chunk: { type } }) => type === "user_message").map(({ chunk: { data } }) => data);
    expect(asked).toEqual([`${id}-1`, `${id}-2`, `${id}-3`]);
    const live = [1, 2, 3].flatMap((turn) => of(`${id}-${turn}`).flatMap(({ seq }) => seq ?? []));
    expect(live).toEqual(live.toSorted((a, b) => a - b));
    const unseen = ["user_message", "tool_sent"];
    const shown = stored.filter(({ chunk: { type } }) => !unseen.includes(type ?? "")).map(({ seq }) => seq);
    expect([...new Set(live)]).toEqual([...new Set(shown)]);
  }
});

test("a slow reader gets all answers, also after the end of the input", async () => {
  using place = new Workplace();
  const host = place.start("stdio");
  const stdout = host.stdout as Readable;
  let read = "";
  stdout.setEncoding("utf8").on("data", (text: string) => {
    read += text;
    stdout.pause();
    setTimeout(() => stdout.resume(), 100);
  });
  const closed = once(host, "close");
  const asked = Array.from({ length: 400 }, (_, n) => `r${n}`);
  host.stdin?.end(asked.map((id) => `${JSON.stringify({ action: "list_tools", request_id: id })}\n`).join(""));
  expect(await closed).toEqual([0, null]);
  expect(
    read
      .trimEnd()
      .split("\n")
      .map((line) => readMessage(line).request_id)
      .sort(),
  ).toEqual(asked.sort());
});
