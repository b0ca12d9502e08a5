import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { Cluster, onServer, traveller, whole } from "./cluster.js";
import { repetitions } from "./repetitions.js";
import { expectWhole, loadOf, travelling } from "./trips.js";

const ip = (...args: string[]) => execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] }).toString();

/** A separate network for one node, with one link to ours that can be cut. Throws if this user may not make one. */
class Island implements Disposable {
  readonly name = `mcp-${process.pid}`;
  readonly #wire = `mcp${process.pid % 100_000}`;
  readonly #net = `10.213.${process.pid % 250}`;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  constructor() {
    ip("netns", "add", this.name);
    try {
      ip("link", "add", this.#wire, "type", "veth", "peer", "name", "eth0", "netns", this.name);
      ip("addr", "add", `${this.#net}.1/24`, "dev", this.#wire);
      ip("link", "set", this.#wire, "up");
      for (const line of [`addr add ${this.#net}.2/24 dev eth0`, "link set eth0 up", "link set lo up"]) {
        ip("-n", this.name, ...line.split(" "));
      }
    } catch (error) {
      ip("netns", "del", this.name);
      throw error;
    }
  }

  /** Makes this port of our loopback reachable from the island. Returns its address there. */
  async ferry(port: number): Promise<string> {
    const server = createServer((client) => {
      const upstream = connect(port, "127.0.0.1");
      for (const socket of [client, upstream]) this.#sockets.add(socket.on("error", () => {}).setNoDelay(true));
      client.pipe(upstream).pipe(client);
    });
    this.#servers.push(server);
    server.listen(0, `${this.#net}.1`);
    await once(server, "listening");
    return `${this.#net}.1:${(server.address() as { port: number }).port}`;
  }

  cut(): void {
    ip("link", "set", this.#wire, "down");
  }

  mend(): void {
    ip("link", "set", this.#wire, "up");
  }

  /** Sends a request from inside the island; resolves to the status of its answer. */
  async post(url: string, body: object): Promise<string> {
    const program =
      "fetch(process.argv[1], { method: 'POST', body: process.argv[2] }).then(({ status }) => console.log(status))";
    const args = ["netns", "exec", this.name, process.execPath, "-e", program, url, JSON.stringify(body)];
    return (await promisify(execFile)("ip", args)).stdout.trim();
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    ip("netns", "del", this.name);
  }
}

let refusal: string | undefined;
try {
  new Island()[Symbol.dispose]();
} catch (error) {
  refusal = error instanceof Error ? (error.message.split("\n")[1] ?? error.message) : String(error);
  process.stderr.write(
    `NOT TESTED, a node that is cut off from the network: no network namespace can be made here: ${refusal}\n`,
  );
  test.skip(`a node that is cut off from the network: ${refusal}`, () => {});
}

if (refusal === undefined)
  onServer("a node that is cut off from the network", (server) => {
    whole(
      "loses its turns to the others, which repeat no completed step, and works again when it is back",
      async () => {
        using island = new Island();
        const url = await server().database();
        await using cluster = await Cluster.open(url, { nodes: 2, model: traveller(400), lease: "4s" });
        const at = (address: string, place: string) => place.replace(/127\.0\.0\.1:\d+/, address);
        const castaway = await cluster.start({
          within: ["ip", "netns", "exec", island.name],
          storageUrl: at(await island.ferry(server().port), url),
          llmUrl: at(await island.ferry(Number(new URL(cluster.llm.url).port)), cluster.llm.url),
        });
        const submit = (name: string) =>
          island.post(`${castaway.url}/api/sessions/c-${name}/turns`, { request_id: `r-${name}`, text: name });
        await travelling(cluster, 12, (name, index) =>
          index % 3 === 2 ? submit(name) : cluster.node(index % 3).submit(`c-${name}`, `r-${name}`, name),
        );
        const lost = await loadOf(cluster, castaway);
        expect(lost).toBeGreaterThan(0);
        island.cut();
        const cutAt = Date.now();
        await cluster.until(async () => (await loadOf(cluster, castaway)) === 0);
        process.stderr.write(`cut off with ${lost} turns: free after ${((Date.now() - cutAt) / 1000).toFixed(1)} s\n`);
        await cluster.ended(12);
        island.mend();
        expect(await submit("after")).toBe("202");
        await cluster.ended(13);
        const { completed, inFlight } = await repetitions(cluster);
        // Only the new holder of a turn repeats its step in flight.
        expect(new Set([...completed, ...inFlight]).size).toBeLessThanOrEqual(lost);
        await expectWhole(cluster, 12);
      },
    );
  });
