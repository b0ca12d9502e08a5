import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "@jest/globals";
import { Streams } from "../../../src/cluster/live/streams.js";

/** A process to which streams are opened. `answer` answers each request, by default with status 200 and an open body. */
class Owner implements AsyncDisposable {
  readonly requests: IncomingMessage[] = [];
  readonly #server = createServer((request, response) => {
    this.requests.push(request);
    this.answer(response);
    this.#asked?.();
  });
  #asked: (() => void) | undefined;
  answer: (response: ServerResponse) => void = (response) => void response.writeHead(200).flushHeaders();

  static async start(): Promise<Owner> {
    const owner = new Owner();
    await once(owner.#server.listen(0, "127.0.0.1"), "listening");
    return owner;
  }

  offer(more: object = {}) {
    const { port } = this.#server.address() as AddressInfo;
    return { by: "a", url: `http://127.0.0.1:${port}`, secret: "s3cret", ...more };
  }

  asked(): Promise<void> {
    return new Promise((resolve) => {
      this.#asked = resolve;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function follower(silentMs = 10_000) {
  const texts: string[] = [];
  let lost = () => {};
  const isLost = new Promise<void>((resolve) => {
    lost = resolve;
  });
  let heard = () => {};
  const hears = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const onText = (text: string) => {
    texts.push(text);
    heard();
  };
  const parts = { nodeId: "b", machine: "m", silentMs, onText, onLost: lost };
  return { streams: new Streams(parts), texts, isLost, hears };
}

test("one stream is opened to each process, however often it is offered, with its secret in a header", async () => {
  await using owner = await Owner.start();
  owner.answer = (response) => void response.writeHead(200).write('data: ["\u2028"]\n\n: alive\n\nda');
  const { streams, texts, hears } = follower();
  for (let count = 0; count < 3; count++) streams.take(owner.offer());
  await hears;
  expect(texts).toEqual(['["\u2028"]']);
  expect(owner.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
    ["/api/live?node=b", "Bearer s3cret"],
  ]);
  expect(streams.from).toEqual(["a"]);
  streams.close();
  expect(streams.from).toEqual([]);
});

test("an address that means another process on each machine is taken on its own one alone", async () => {
  await using owner = await Owner.start();
  const { streams } = follower();
  streams.take(owner.offer({ machine: "another" }));
  expect(streams.from).toEqual([]);
  const asked = owner.asked();
  streams.take(owner.offer({ machine: "m" }));
  await asked;
  streams.close();
});

test.each<[string, (response: ServerResponse) => void, silenceMs?: number]>([
  ["refused", (response) => void response.writeHead(401).end()],
  ["led elsewhere", (response) => void response.writeHead(302, { location: "/" }).end()],
  ["cut", (response) => void response.writeHead(200).write("data: []\n\n", () => response.destroy())],
  ["ended", (response) => void response.writeHead(200).end("data: []\n\n")],
  ["silent", (response) => void response.writeHead(200).flushHeaders(), 500],
  ["not answered", () => {}, 500],
])("a stream that is %s is lost, and not tried again at once", async (_, answer, silenceMs = 10_000) => {
  await using owner = await Owner.start();
  owner.answer = answer;
  const { streams, isLost } = follower(silenceMs);
  streams.take(owner.offer());
  await isLost;
  expect(streams.from).toEqual([]);
  streams.take(owner.offer());
  expect(streams.from).toEqual([]);
  expect(owner.requests).toHaveLength(1);
});
