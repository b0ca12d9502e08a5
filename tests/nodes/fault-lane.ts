/** Three nodes on one PostgreSQL, each with its own proxy to it, which run one schedule after the other. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { script } from "../support/app.js";
import { type PostgresServer, startPostgres } from "../support/postgres.js";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.js";
import { Cluster, type ClusterNode, type FollowedMessage } from "./cluster.js";
import { watchCustody } from "./custody.js";
import { PlannedModel } from "./planned-model.js";
import { type Act, conversationsOf, type Prompt, type Schedule, slots, textOf } from "./schedule.js";

export const leaseMs = 800;
/** Time after which a client without an answer asks another node, in ms. */
const patienceMs = 1_500;
/** Time for which a client repeats its request, in ms. Requests without an acknowledgement by then wait until the faults are over. */
const stubbornMs = 3_000;
/** Number of nodes that must listen before the next schedule begins. The third node may come a little late. */
const readyNodes = 2;

interface Slot {
  proxy: TcpProxy;
  node: ClusterNode;
  /** Settles when the node listens. */
  ready: Promise<unknown>;
}

/** Acknowledgements that a client got for a prompt: turn ids, and the times of the first request and the first acknowledgement. */
interface Acknowledged {
  prompt: Prompt;
  turnIds: Set<string>;
  askedAt: number;
  acknowledgedAt: number;
}

/** Messages that a follower of a conversation received from a node that may have died meanwhile. */
interface Watched {
  conversationId: string;
  messages: FollowedMessage[];
}

export interface Call {
  tool: string;
  step: string;
  pid: number;
  at: number;
}

export interface Outcome {
  schedule: Schedule;
  requests: Map<string, Acknowledged>;
  /** Requests that a client tried to cancel. */
  cancelled: Set<string>;
  watched: Watched[];
  /** Output of nodes that ended although the schedule did not end them. */
  fallen: string[];
}

export class FaultLane implements AsyncDisposable {
  readonly model: PlannedModel;
  readonly cluster: Cluster;
  readonly #server: PostgresServer;
  readonly #folder: string;
  readonly #slots: Slot[] = [];
  /** Process id of the node with each key. */
  readonly #pids = new Map<string, number>();
  /** Nodes that were told to end and still run. */
  readonly #leaving = new Set<ClusterNode>();
  #fallen: string[] = [];
  #isDatabaseAway = false;
  #isClosed = false;
  #crash: Promise<void> = Promise.resolve();

  private constructor(server: PostgresServer, cluster: Cluster, model: PlannedModel, folder: string) {
    this.#server = server;
    this.cluster = cluster;
    this.model = model;
    this.#folder = folder;
  }

  static async open(): Promise<FaultLane> {
    const folder = mkdtempSync(join(tmpdir(), "fault-lane-"));
    const server = await startPostgres(["max_connections=300"]);
    const model = new PlannedModel();
    const program = script("tests/support/counting-server.mjs", join(folder, "effects"), join(folder, "calls"));
    const config = { mcpServers: { s: { ...program, trusted: true } } };
    const options = { nodes: 0, lease: `${leaseMs}ms`, model: model.answer, config };
    const cluster = await Cluster.open(await server.database(), options);
    const lane = new FaultLane(server, cluster, model, folder);
    await Promise.all(Array.from({ length: slots }, () => lane.#addSlot()));
    await watchCustody(cluster);
    return lane;
  }

  /** Resolves when all prompts are acknowledged, all faults are over, and every turn has ended. */
  async carryOut(schedule: Schedule): Promise<Outcome> {
    const outcome: Outcome = { schedule, requests: new Map(), cancelled: new Set(), watched: [], fallen: [] };
    const leaving = new AbortController();
    const watching: Promise<void>[] = [];
    const watched = new Set<string>();
    const onAcknowledged = ({ conversationId }: Prompt, slot: number) => {
      for (const place of [slot, slot + 1]) {
        const key = `${conversationId} ${place % slots}`;
        if (watched.has(key)) continue;
        watched.add(key);
        watching.push(this.#watch(outcome, conversationId, place, leaving.signal));
      }
    };
    const beganAt = performance.now();
    await Promise.all(
      schedule.acts.map(async (act) => {
        await sleep(Math.max(0, act.at - (performance.now() - beganAt)));
        await this.#do(act, outcome, onAcknowledged);
      }),
    );
    await this.#heal();
    const untold = schedule.prompts.filter(({ name }) => !outcome.requests.get(name)?.turnIds.size);
    await Promise.all(
      untold.map((prompt) => this.#prompt(prompt, 0, outcome, onAcknowledged, Number.POSITIVE_INFINITY)),
    );
    await this.#settled(outcome);
    leaving.abort();
    await Promise.all(watching);
    return { ...outcome, fallen: this.#fallen.splice(0) };
  }

  pidOf(key: string): number {
    return this.#pids.get(key) ?? 0;
  }

  /** Nodes that take requests. */
  get listening(): ClusterNode[] {
    return this.#slots.map(({ node }) => node).filter(({ url }) => url !== "");
  }

  get calls(): Call[] {
    const file = join(this.#folder, "calls");
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    return lines.map((line) => {
      const [tool = "", step = "", pid, at] = line.split(" ");
      return { tool, step, pid: Number(pid), at: Number(at) };
    });
  }

  #node(slot: number): ClusterNode {
    return (this.#slots[slot % slots] as Slot).node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.cluster[Symbol.asyncDispose]();
    for (const { proxy } of this.#slots) await proxy[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #do(act: Act, outcome: Outcome, onAcknowledged: (prompt: Prompt, slot: number) => void): Promise<void> {
    if (act.act === "crash-database") return this.#crashDatabase(act.forMs);
    if (act.act === "prompt") return this.#prompt(act.prompt, act.slot, outcome, onAcknowledged);
    if (act.act === "cancel") {
      outcome.cancelled.add(act.prompt.name);
      const { conversationId, name } = act.prompt;
      await withPatience(this.#node(act.slot).cancel(conversationId, name)).catch(() => {});
      return;
    }
    const slot = this.#slots[act.slot % slots] as Slot;
    if (act.act === "reset") slot.proxy.reset();
    else if (act.act === "freeze") {
      slot.proxy.freeze();
      await sleep(act.forMs);
      slot.proxy.thaw();
    } else if (act.act === "stop") await this.#standStill(slot, act.forMs);
    else this.#replace(slot, act.act === "kill" ? "SIGKILL" : "SIGTERM");
  }

  async #standStill(slot: Slot, forMs: number): Promise<void> {
    const { node } = slot;
    node.kill("SIGSTOP");
    await sleep(forMs);
    node.kill("SIGCONT");
  }

  async #crashDatabase(forMs: number): Promise<void> {
    if (this.#isDatabaseAway) return;
    this.#isDatabaseAway = true;
    const crash = async () => {
      await this.#server.kill();
      await sleep(forMs);
      await this.#server.restart();
      this.#isDatabaseAway = false;
    };
    this.#crash = crash();
    await this.#crash;
  }

  /** Starts the next process of this slot. The old process may still be leaving. */
  #replace(slot: Slot, signal: "SIGKILL" | "SIGTERM"): void {
    const { node } = slot;
    this.#leaving.add(node);
    void node.end.then(() => this.#leaving.delete(node));
    node.kill(signal);
    this.#begin(slot);
  }

  /** Starts a node; tries again if there was no database. */
  #begin(slot: Slot): void {
    const node = this.#spawn(slot.proxy);
    slot.node = node;
    slot.ready = node.listening().catch(async () => {
      if (this.#isClosed) return;
      if (slot.node !== node) return slot.ready;
      await this.#crash;
      this.#begin(slot);
      return slot.ready;
    });
  }

  /** Sends a prompt as a client with a request id: repeats it at one node after the other until a turn is acknowledged. */
  async #prompt(
    prompt: Prompt,
    slot: number,
    { requests }: Outcome,
    onAcknowledged: (prompt: Prompt, slot: number) => void,
    lateAt = performance.now() + stubbornMs,
  ): Promise<void> {
    const known = requests.get(prompt.name);
    const request = known ?? { prompt, turnIds: new Set(), askedAt: Date.now(), acknowledgedAt: Number.MAX_VALUE };
    requests.set(prompt.name, request);
    for (let place = slot; performance.now() < lateAt; place++) {
      try {
        const submitted = this.#node(place).submit(prompt.conversationId, prompt.name, textOf(prompt));
        request.turnIds.add((await withPatience(submitted)).turn_id);
        request.acknowledgedAt = Math.min(request.acknowledgedAt, Date.now());
        onAcknowledged(prompt, place);
        return;
      } catch {
        await sleep(100);
      }
    }
  }

  async #watch({ watched }: Outcome, conversationId: string, slot: number, leaving: AbortSignal): Promise<void> {
    const messages: FollowedMessage[] = [];
    watched.push({ conversationId, messages });
    try {
      for await (const message of this.#node(slot).events(conversationId, leaving)) messages.push(message);
    } catch {
      // the node is gone, or the client has stopped following
    }
  }

  async #heal(): Promise<void> {
    await this.#crash;
    for (const { proxy } of this.#slots) proxy.thaw();
    while (this.listening.length < readyNodes) {
      await Promise.race(this.#slots.filter(({ node }) => node.url === "").map(({ ready }) => ready));
    }
  }

  async #settled({ schedule }: Outcome): Promise<void> {
    const of = conversationsOf(schedule);
    await this.cluster.until(async () => {
      const open = await this.cluster.query(
        `SELECT FROM turns WHERE starts_with(conversation_id, $1) AND state IN ('queued', 'running')
         UNION ALL SELECT FROM dbos.workflow_status WHERE status IN ('ENQUEUED', 'PENDING')`,
        [of],
      );
      const nodes = await this.cluster.query<{ pid: number }>("SELECT pid FROM nodes");
      const living = new Set(this.#slots.map(({ node }) => node.child.pid));
      return open.length === 0 && this.#leaving.size === 0 && nodes.every(({ pid }) => living.has(pid));
    });
  }

  async #addSlot(): Promise<void> {
    const proxy = await startTcpProxy(this.#server.port);
    const slot = { proxy } as Slot;
    this.#begin(slot);
    this.#slots.push(slot);
    await slot.ready;
  }

  #spawn(proxy: TcpProxy): ClusterNode {
    const key = `key-${this.#pids.size}`;
    const storageUrl = this.cluster.url.replace(`:${this.#server.port}/`, `:${proxy.port}/`);
    const node = this.cluster.spawn({ storageUrl, env: { TEST_API_KEY: key } });
    this.#pids.set(key, node.child.pid ?? 0);
    void node.end.then(({ exitCode, stderr }) => {
      if (this.#isClosed || this.#leaving.has(node) || node.url === "") return;
      this.#fallen.push(`a node ended by itself with ${exitCode}: ${stderr.slice(-3_000)}`);
      for (const slot of this.#slots) if (slot.node === node) this.#begin(slot);
    });
    return node;
  }
}

/** Rejects after `patienceMs` without an answer. */
async function withPatience<T>(answer: Promise<T>): Promise<T> {
  const impatience = new AbortController();
  const late = sleep(patienceMs, undefined, { signal: impatience.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${patienceMs} ms`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([answer, late]);
  } finally {
    impatience.abort();
    answer.catch(() => {});
  }
}
