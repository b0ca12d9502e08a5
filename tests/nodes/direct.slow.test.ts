import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import type { HttpDoor } from "../../src/doors/http/serve.js";
import type { App } from "../../src/index.js";
import { openDoor } from "../doors/http/door.js";
import { startApp } from "../support/app.js";
import { newStorage, noPostgres } from "../support/storages.js";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.js";
import { SlowModel, type Writing } from "./serving.js";

const onPostgres = noPostgres ? describe.skip : describe;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A client of the other host: the text that it was shown. */
class Watching {
  shown = "";
  discards = 0;
  #changed = () => {};

  readonly ended: Promise<void>;

  constructor(app: App) {
    this.ended = this.#watch(app);
  }

  async #watch(app: App): Promise<void> {
    for await (const event of app.sessions.open("c1").prompt({ requestId: "r1", text: "go", streaming: true })) {
      if (event.type === "text_delta") this.shown += event.delta;
      if (event.type === "discard") this.discards++;
      this.#changed();
    }
  }

  async until(text: string): Promise<void> {
    while (this.shown !== text) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

/** Counts notices of deltas on the channel of that host. */
async function noticesTo(url: string, nodeId: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`LISTEN ${pg.escapeIdentifier(`mcp_platform_live ${nodeId}`)}`);
  let count = 0;
  client.on("notification", () => count++);
  return {
    async count() {
      await client.query("SELECT 1");
      return count;
    },
    end: () => client.end(),
  };
}

onPostgres("a turn that another host runs, which can be reached", () => {
  let model: SlowModel;
  let proxy: TcpProxy;
  let owner: App;
  let other: App;
  let door: HttpDoor & AsyncDisposable;
  let notices: Awaited<ReturnType<typeof noticesTo>>;
  let writing: Writing;
  let watching: Watching;
  let written = "";

  beforeAll(async () => {
    model = await SlowModel.start();
    const storage = (await newStorage("", "postgres")) as { driver: "postgres"; url: string };
    // With `recover: false` each host runs only the turns that it claims.
    owner = await startApp({ llm: model.url, storage, recover: false });
    other = await startApp({ llm: model.url, storage, recover: false });
    const port = await freePort();
    proxy = await startTcpProxy(port);
    door = await openDoor(owner, { port, token: "a-token-of-callers", advertise: `http://127.0.0.1:${proxy.port}/` });
    await owner.sessions.open("c1").submit({ requestId: "r1", text: "go", streaming: true });
    writing = await model.asked(1);
    watching = new Watching(other);
    const client = new pg.Client({ connectionString: storage.url });
    await client.connect();
    const find = async () => (await client.query("SELECT node_id FROM nodes")).rows.map(({ node_id }) => node_id);
    while ((await find()).length < 2) await new Promise(setImmediate);
    const held = await client.query("SELECT node_id FROM turns");
    notices = await noticesTo(
      storage.url,
      (await find()).find((id) => id !== held.rows[0].node_id),
    );
    await client.end();
  });

  afterAll(async () => {
    writing.finish();
    await watching.ended;
    await other.close();
    await owner.close();
    door.close();
    await notices.end();
    await proxy[Symbol.asyncDispose]();
    await model[Symbol.asyncDispose]();
  });

  async function write(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const word = `${written.length} `;
      written += word;
      writing.write(word);
      await watching.until(written);
    }
  }

  /** Writes until the deltas arrive by a stream; if `isStreamed` is false, until they arrive by notices. */
  async function writeUntil(isStreamed: boolean): Promise<void> {
    for (;;) {
      const before = await notices.count();
      await write(5);
      if (((await notices.count()) === before) === isStreamed) return;
    }
  }

  test("is streamed by it, without a notice", async () => {
    await writeUntil(true);
    expect(proxy.open).toBe(1);
    const before = await notices.count();
    await write(100);
    expect(await notices.count()).toBe(before);
  });

  test("goes on by notices when the stream breaks, without a hole or a repetition", async () => {
    proxy.refuse();
    await writeUntil(false);
    await write(20);
    expect(watching).toMatchObject({ shown: written, discards: 0 });
  });

  test("is streamed to nobody without the secret, also not by the token of callers", async () => {
    const statusWith = async (headers: Record<string, string>, path = "/api/live") =>
      (await fetch(`${door.url}${path}?node=x`, { headers })).status;
    expect(await statusWith({})).toBe(401);
    for (const token of ["a-token-of-callers", "guess"]) {
      expect(await statusWith({ authorization: `Bearer ${token}` })).toBe(401);
      expect(await statusWith({ authorization: `Bearer ${token}` }, "/api/%6cive")).toBe(401);
    }
    const description = await (
      await fetch(`${door.url}/openapi.json`, { headers: { authorization: "Bearer a-token-of-callers" } })
    ).text();
    expect(description).not.toContain("/api/live");
  });
});
