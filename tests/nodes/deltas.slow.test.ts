import { describe, expect, test } from "@jest/globals";
import { connect, type Socket } from "../doors/http/socket.js";
import { startPostgres } from "../support/postgres.js";
import { newStorage, noPostgres } from "../support/storages.js";
import { readMessage } from "../support/wire-messages.js";
import { Cluster, type Serving, SlowModel } from "./serving.js";

const onPostgres = noPostgres ? describe.skip : describe;
const text = "tell me";

/** Begins the turn `r1` of the conversation without watching it. */
async function begin(node: Serving, conversation = "c1"): Promise<void> {
  const response = await fetch(`${node.url}/api/sessions/${conversation}/turns`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ request_id: "r1", text, streaming: true }),
  });
  expect(response.status).toBe(202);
}

/** A client that has sent the same request to another node. It records the shown text and can wait until the text is as expected. */
class Client implements AsyncDisposable {
  shown = "";
  discards = 0;
  /** Text of the last message. */
  final: unknown;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async of(node: Serving): Promise<Client> {
    const socket = await connect(node);
    socket.send({ action: "chat", request_id: "r1", conversation_id: "c1", payload: { text, streaming: true } });
    return new Client(socket);
  }

  async until(holds: (client: Client) => boolean): Promise<void> {
    if (holds(this)) return;
    await this.#socket.until(({ status, chunk }) => {
      if (chunk.type === "text") this.shown += String(chunk.data);
      if (chunk.type === "discard") {
        this.shown = "";
        this.discards++;
      }
      if (status === "complete") this.final = chunk.data;
      if (status === "error") throw new Error(JSON.stringify(chunk));
      return holds(this);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
  }
}

/** Yields the events of a response as they arrive. */
async function* eventsOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of response.body ?? []) {
    const events = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield data.slice("data: ".length);
    }
  }
}

/** A client of OpenAI's API that has sent the request to another node. */
class Completion {
  shown = "";
  readonly #events: AsyncGenerator<string>;

  private constructor(events: AsyncGenerator<string>) {
    this.#events = events;
  }

  static async of(node: Serving): Promise<Completion> {
    const response = await fetch(`${node.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-conversation-id": "c1", "x-request-id": "r1" },
      body: JSON.stringify({ model: "mcp-platform", stream: true, messages: [{ role: "user", content: text }] }),
    });
    return new Completion(eventsOf(response));
  }

  async until(wanted: string): Promise<void> {
    while (this.shown !== wanted) {
      const { value, done } = await this.#events.next();
      if (done || value === "[DONE]") throw new Error(`ended with "${this.shown}"`);
      const { choices, error } = JSON.parse(value);
      if (error) throw new Error(JSON.stringify(error));
      this.shown += choices[0]?.delta.content ?? "";
    }
  }

  /** Reads to the end of the stream and returns all text shown. */
  async rest(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#events.next();
      if (done) throw new Error("the stream broke off");
      if (value === "[DONE]") return this.shown;
      const { choices, error } = JSON.parse(value);
      if (error) throw new Error(JSON.stringify(error));
      this.shown += choices[0]?.delta.content ?? "";
    }
  }
}

/** A client that follows the conversation, not the request. Events without `seq` are previews. */
class Follower implements AsyncDisposable {
  foretaste = "";
  readonly stored: string[] = [];
  readonly #events: AsyncGenerator<string>;
  readonly #gone: AbortController;

  private constructor(events: AsyncGenerator<string>, gone: AbortController) {
    this.#events = events;
    this.#gone = gone;
  }

  static async of(node: Serving): Promise<Follower> {
    const gone = new AbortController();
    const response = await fetch(`${node.url}/api/sessions/c1/events`, { signal: gone.signal });
    return new Follower(eventsOf(response), gone);
  }

  async until(holds: (follower: Follower) => boolean): Promise<void> {
    while (!holds(this)) {
      const { value, done } = await this.#events.next();
      if (done) throw new Error("the stream broke off");
      const { seq, chunk } = readMessage(value);
      if (seq !== undefined) this.stored.push(String(chunk.type));
      if (chunk.type === "discard") this.foretaste = "";
      else if (chunk.type === "text")
        this.foretaste = seq === undefined ? this.foretaste + chunk.data : String(chunk.data);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone.abort();
  }
}

onPostgres("a turn that another node runs", () => {
  test("is seen as it is written, by every door, also by who comes in the middle of it", async () => {
    await using model = await SlowModel.start();
    await using cluster = new Cluster(model.url, await newStorage("", "postgres"));
    const [first] = (await cluster.start("a", "b")) as [Serving];
    await begin(first);
    const writing = await model.asked(1);
    const [other] = cluster.others(writing.by) as [Serving];
    writing.write("one ", "two ");
    await using client = await Client.of(other);
    await client.until(({ shown }) => shown === "one two ");
    writing.write("three ");
    await client.until(({ shown }) => shown === "one two three ");

    const completion = await Completion.of(other);
    await completion.until("one two three ");
    await using follower = await Follower.of(other);
    await follower.until(({ foretaste }) => foretaste === "one two three ");
    writing.write("four");
    await client.until(({ shown }) => shown === "one two three four");
    await completion.until("one two three four");
    await follower.until(({ foretaste }) => foretaste === "one two three four");
    writing.finish();
    await client.until(({ final }) => final === "one two three four");
    expect(await completion.rest()).toBe("one two three four");
    await follower.until(({ stored }) => stored.includes("turn_end"));
    expect(follower.stored).toEqual(["user_message", "text", "usage", "turn_end"]);
    expect(follower.foretaste).toBe("one two three four");
    expect(client.discards).toBe(0);
  });

  test.each([
    { words: "with the same words", again: "one two three four", discards: 0 },
    { words: "with other words", again: "something else altogether", discards: 1 },
  ])(
    "goes on where it is watched when its node is killed, $words",
    async ({ again, discards }) => {
      await using model = await SlowModel.start();
      await using cluster = new Cluster(model.url, await newStorage("", "postgres"));
      const [first] = (await cluster.start("a", "b", "c")) as [Serving];
      await begin(first);
      const writing = await model.asked(1);
      const [other, third] = cluster.others(writing.by) as [Serving, Serving];
      await using client = await Client.of(other);
      await using followerThere = await Follower.of(other);
      await using follower = await Follower.of(third);
      writing.write("one ", "two ");
      for (const each of [followerThere, follower]) await each.until(({ foretaste }) => foretaste === "one two ");
      await client.until(({ shown }) => shown === "one two ");
      const completion = await Completion.of(third);
      await completion.until("one two ");

      cluster.nodes.find(({ name }) => name === writing.by)?.child.kill("SIGKILL");
      const goingOn = await model.asked(2);
      expect(goingOn.by).not.toBe(writing.by);
      const middle = again.length - 5;
      goingOn.write(again.slice(0, 4), again.slice(4, middle));
      await client.until(({ shown }) => shown === again.slice(0, middle));
      for (const each of [followerThere, follower]) {
        await each.until(({ foretaste }) => foretaste === again.slice(0, middle));
      }
      goingOn.write(again.slice(middle));
      goingOn.finish();
      await client.until(({ final }) => final === again);
      expect(client.shown).toBe(again);
      expect(client.discards).toBe(discards);
      for (const each of [followerThere, follower]) {
        await each.until(({ stored }) => stored.includes("turn_end"));
        expect(each.stored).toEqual(["user_message", "text", "usage", "turn_end"]);
        expect(each.foretaste).toBe(again);
      }
      // OpenAI's API cannot discard text that was already sent.
      if (discards === 0) expect(await completion.rest()).toBe(again);
      else await expect(completion.rest()).rejects.toThrow("the answer was restarted");
    },
    120_000,
  );

  test("is shown to clients of its node at once while the database is away, and to those of others when it is back", async () => {
    await using server = await startPostgres();
    await using model = await SlowModel.start();
    await using cluster = new Cluster(model.url, { driver: "postgres", url: await server.database() });
    const [first] = (await cluster.start("a", "b")) as [Serving];
    await begin(first);
    const writing = await model.asked(1);
    const [other] = cluster.others(writing.by) as [Serving];
    const [owner] = cluster.others(other.name) as [Serving];
    await using near = await Client.of(owner);
    await using far = await Client.of(other);
    writing.write("one ");
    await near.until(({ shown }) => shown === "one ");
    await far.until(({ shown }) => shown === "one ");
    await server.kill();
    writing.write("two ");
    await near.until(({ shown }) => shown === "one two ");
    writing.write("three ");
    await near.until(({ shown }) => shown === "one two three ");
    expect(far.shown).toBe("one ");
    await server.restart();
    await far.until(({ shown }) => shown === "one two three ");
    writing.write("four");
    await far.until(({ shown }) => shown === "one two three four");
    writing.finish();
    for (const client of [near, far]) {
      await client.until(({ final }) => final !== undefined);
      expect(client).toMatchObject({ final: "one two three four", shown: "one two three four", discards: 0 });
    }
  });

  test("is shown as its new node writes it, also to clients of one that stood still and still writes", async () => {
    await using model = await SlowModel.start();
    await using cluster = new Cluster(model.url, await newStorage("", "postgres"));
    const [first] = (await cluster.start("a", "b", "c")) as [Serving];
    await begin(first);
    const writing = await model.asked(1);
    const stopped = cluster.nodes.find(({ name }) => name === writing.by) as Serving;
    const others = cluster.others(writing.by);
    await using near = await Client.of(stopped);
    await using far = await Client.of(others[0] as Serving);
    await using further = await Client.of(others[1] as Serving);
    const clients = [near, far, further];
    writing.write("one ");
    for (const client of clients) await client.until(({ shown }) => shown === "one ");
    stopped.child.kill("SIGSTOP");
    const goingOn = await model.asked(2); // when the lease has expired
    goingOn.write("another ");
    for (const client of [far, further]) await client.until(({ shown }) => shown === "another ");
    writing.write("two ");
    stopped.child.kill("SIGCONT");
    await near.until(({ shown }) => shown === "one two " || shown === "another ");
    goingOn.write("answer");
    for (const client of [far, further]) await client.until(({ shown }) => shown === "another answer");
    writing.finish();
    goingOn.finish();
    for (const client of clients) {
      await client.until(({ final }) => final !== undefined);
      expect(client).toMatchObject({ final: "another answer", shown: "another answer", discards: 1 });
    }
  });
});
