/**
 * The tape of a cassette: it stands between the host and the connections to models and servers, and answers a request with the recorded
 * answer. A request without a recorded answer is recorded, or reported as a miss.
 */

import type { WireName } from "../../core/config.js";
import type { JsonObject } from "../../core/json.js";
import type {
  ModelAnswer,
  ModelExchange,
  ServerAnswer,
  ServerExchange,
  ServerHello,
  ServerLife,
} from "../../core/transports.js";
import type { Tape } from "../../host/tape.js";
import type { Faults } from "./faults.js";
import { EndingOrder } from "./file/ending-order.js";
import { type CallEntry, isRoutine, type ModelEntry } from "./file/format.js";
import { withIdsOf } from "./file/host-ids.js";
import type { Recording } from "./file/read.js";
import { visible } from "./playing/diff.js";
import { brokenBy, type Playback } from "./playing/played-body.js";
import { modelMiss, playCall, playModel, serverMiss, silence } from "./playing/player.js";
import {
  type ComparableRequest,
  comparableOf,
  modelRequestOf,
  RecordedRequests,
  serverRequestOf,
} from "./playing/recorded-requests.js";
import { ServerPlayback } from "./playing/server-playback.js";
import type { Recorder } from "./recorder.js";

interface CassetteTapeParts {
  path: string;
  recording: Recording;
  isStrict: boolean;
  playback: Playback;
  faults: Faults;
  /** Records requests that have no recorded answer. Undefined on replay: such a request is then a miss. */
  recorder?: Recorder;
}

export class CassetteTape implements Tape {
  readonly playsModels: boolean;
  readonly isInstant: boolean;
  readonly misses: string[] = [];
  readonly recorded: RecordedRequests;
  readonly #parts: CassetteTapeParts;
  readonly #servers: ServerPlayback;
  readonly #order: EndingOrder;

  constructor(parts: CassetteTapeParts) {
    this.playsModels = parts.recorder === undefined;
    this.isInstant = this.playsModels;
    this.recorded = new RecordedRequests(parts.path, parts.recording, parts.isStrict);
    this.#servers = new ServerPlayback(parts.recording, parts.playback.cleaner);
    this.#order = new EndingOrder(parts.recording.entries);
    this.#parts = parts;
  }

  /** Returns the wire of the first request that was recorded for this provider. */
  wireOf(provider: string): WireName | undefined {
    const entries = this.#parts.recording.entries;
    const entry = entries.find((one): one is ModelEntry => "llm" in one && one.llm.provider === provider);
    return entry && wireOfPath(entry.llm.path);
  }

  conceal(secrets: readonly string[]): void {
    this.#parts.playback.cleaner.conceal(secrets);
  }

  async choose(choose: Parameters<Tape["choose"]>[0]): ReturnType<Tape["choose"]> {
    const { recorder, recording } = this.#parts;
    const { llm } = recording.head;
    if (llm) return { provider: llm.active, model: llm.model };
    const first = recording.entries.find((entry) => "llm" in entry);
    if (first) return { provider: first.llm.provider, model: first.llm.model };
    return recorder && choose();
  }

  inEffect({ provider, model }: Parameters<NonNullable<Tape["inEffect"]>>[0]): void {
    const { recorder } = this.#parts;
    if (recorder) recorder.head.llm = { active: provider, ...(model !== undefined && { model }) };
  }

  async model(exchange: ModelExchange, send: () => Promise<ModelAnswer>): Promise<ModelAnswer> {
    const { playback, faults, recorder } = this.#parts;
    const { signal } = exchange;
    const fault = faults.next("llm");
    if (fault?.kind === "status") return refusal(fault.status, fault.text);
    if (fault?.kind === "reset") throw brokenBy({ code: "ECONNRESET", message: `the fault ${fault.text}` });
    if (fault?.kind === "delay") await playback.sleep(fault.ms, signal);
    const request = JSON.parse(exchange.body) as JsonObject;
    const wanted = comparableOf(request, playback.cleaner, (asked) => modelRequestOf(exchange.provider, asked));
    const found = this.recorded.find(wanted);
    if (!found) {
      if (recorder) {
        if (fault?.kind === "cut" || fault?.kind === "stall") faults.noteVain(fault);
        return recorder.model(exchange, send);
      }
      throw modelMiss(this.#missed(wanted), exchange);
    }
    const entry = withIdsOf(request, found.entry as ModelEntry);
    const { isRepeated } = found;
    // If a fault breaks the answer, the recorded answer stays unused, so that the client's retry gets it complete.
    if (fault?.kind === "cut" || fault?.kind === "stall") {
      return playModel(entry, playback, { signal, isRepeated, limit: fault.bytes, stalls: fault.kind === "stall" });
    }
    found.take();
    await this.#servers.reached(this.recorded.used);
    return playModel(entry, playback, { signal, isRepeated });
  }

  async hello(
    server: string,
    life: ServerLife,
    connect: (life: ServerLife) => Promise<ServerHello>,
  ): Promise<ServerHello> {
    const { recorder, path } = this.#parts;
    if (recorder) return recorder.hello(server, life, connect);
    const hello = await this.#servers.hello(server, life);
    if (hello) return hello;
    const said = `nothing is recorded in ${path} of the server ${server}`;
    this.misses.push(said);
    throw serverMiss(said);
  }

  async server(
    exchange: ServerExchange,
    life: ServerLife,
    send: (life: ServerLife) => Promise<ServerAnswer>,
  ): Promise<ServerAnswer> {
    const { playback, faults, recorder } = this.#parts;
    const { server: mcp, method, params, signal } = exchange;
    const wanted = comparableOf({ ...params }, playback.cleaner, (asked) =>
      serverRequestOf({ mcp, method, params: asked }),
    );
    if (isRoutine(method)) {
      const answer = recorder ? await recorder.server(exchange, life, send) : this.#servers.answer(wanted);
      if (answer) return answer;
      throw serverMiss(this.#missed(wanted));
    }
    const fault = faults.next(`mcp.${mcp}`);
    const message = `the fault ${fault?.text}`;
    if (fault?.kind === "error") return { error: { code: fault.code, message } };
    if (fault?.kind === "stall") return silence(signal);
    if (fault?.kind === "crash") {
      life.closed(message);
      return { failure: { kind: "unavailable", message, retryable: true } };
    }
    if (fault?.kind === "delay") await playback.sleep(fault.ms, signal);
    const found = this.recorded.find(wanted);
    if (!found) {
      if (recorder) return recorder.server(exchange, life, send);
      throw serverMiss(this.#missed(wanted));
    }
    found.take();
    await this.#servers.reached(this.recorded.used);
    try {
      const entry = found.entry as CallEntry;
      return await this.#order.during(entry, () => playCall(entry, exchange, life, playback));
    } catch (error) {
      if (!signal.aborted && error instanceof Error) this.misses.push(visibleLines(error.message));
      throw error;
    }
  }

  #missed(wanted: ComparableRequest): string {
    const said = this.recorded.missOf(wanted);
    this.misses.push(said);
    return said;
  }
}

function wireOfPath(path: string): WireName {
  if (path.endsWith("/responses")) return "responses";
  if (path.endsWith("/messages")) return "messages";
  return /:(stream)?generateContent$/i.test(path) ? "gemini" : "chat";
}

function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

/** Returns a response with an error status. Its body has the JSON shape that most providers use for errors. */
function refusal(status: number, fault: string): ModelAnswer {
  const body = Buffer.from(JSON.stringify({ error: { message: `the fault ${fault}` } }));
  return {
    status,
    headers: { "content-type": "application/json" },
    body: (async function* () {
      yield body;
    })(),
  };
}
