/** Requests that a server sends to this host: for input from the person, for an answer of a model, for the folders to work in. */

import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import type { ServerConfig } from "../../core/config.js";
import { McpError } from "../../core/errors.js";
import type { Question } from "../../core/events.js";
import type { JsonObject } from "../../core/json.js";
import type { AskPerson, SendOptions } from "../../core/ports.js";
import type { RequestLimits } from "../protocol/request-limits.js";
import type { RequestOrigin } from "../protocol/server-session.js";
import { RpcRefusal } from "../shared/request-failures.js";
import { abortable } from "../shared/wait.js";
import { acceptsPage, elicit, type Page } from "./elicitation.js";
import { answerSampling, type Sample, SamplingBudget } from "./sampling.js";

/** Maximum number of questions that a server may ask the person during one call. Every question is stored and shown. */
const maxQuestions = 50;
/** Time for which a server may still work on a request that was given up, in ms. A server need not take notice of a cancellation. */
const workedOnMs = 60_000;

export interface RunningCall {
  /** Identifies the caller, as in `SendOptions`. Never undefined. */
  caller: unknown;
  ask: AskPerson;
  sample?: SendOptions["sample"];
  limits: RequestLimits;
}

/** The limits of a server's requests during one call. */
interface CallLimits {
  budget: SamplingBudget;
  questions: number;
  /** Aborts at the end of the call. The server may return a result although it has asked something and got no answer. */
  over: AbortController;
}

interface BoundedCall {
  call: RunningCall;
  bounds: CallLimits;
}

/**
 * Answers the requests of one server. A request to the person or the model belongs to a running call: its caller is asked, and its bounds
 * limit the cost. A request that belongs to no call is declined.
 */
export class Callbacks {
  readonly #config: ServerConfig;
  readonly #sample: Sample | undefined;
  readonly #noticed: (text: string) => void;
  readonly #running = new Map<RunningCall, CallLimits>();
  /** Number of requests other than calls that the server is working on. Nobody is asked anything for them. */
  #otherRequests = 0;
  /** Until then, the server may still work on a request other than a call that was given up. A time of `performance.now`. */
  #workedOnUntil = 0;

  constructor(
    config: ServerConfig,
    { sample, noticed }: { sample: Sample | undefined; noticed: (text: string) => void },
  ) {
    this.#config = config;
    this.#sample = config.sampling === "deny" ? undefined : sample;
    this.#noticed = noticed;
  }

  /** The capabilities that this host declares to the server. A capability is declared only if this host can really serve it. */
  get capabilities(): JsonObject {
    return {
      elicitation: { form: { applyDefaults: true }, url: {} },
      ...(this.#sample && { sampling: { tools: {} } }),
      ...(this.#config.roots.length > 0 && { roots: {} }),
    };
  }

  /** Lets the server send requests on behalf of this call until `end` is called. */
  begin(call: RunningCall): void {
    this.#running.set(call, { budget: new SamplingBudget(), questions: 0, over: new AbortController() });
  }

  end(call: RunningCall): void {
    const bounds = this.#running.get(call);
    this.#running.delete(call);
    bounds?.over.abort();
  }

  /**
   * Runs a request to the server outside of tool calls, such as for a prompt. While it runs, questions that do not come on the stream of a
   * tool call are declined: nothing shows to which request they belong.
   */
  async outsideCalls<T>(request: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#otherRequests++;
    try {
      return await request();
    } catch (error) {
      const isGivenUp = signal?.aborted || (error instanceof McpError && error.kind === "timeout");
      if (isGivenUp) this.#workedOnUntil = performance.now() + workedOnMs;
      throw error;
    } finally {
      this.#otherRequests--;
    }
  }

  /** Answers a request of the server. `signal` aborts if the server cancels the request. Rejects with RpcRefusal. */
  async answer(method: string, params: JsonObject, signal: AbortSignal, origin?: RequestOrigin): Promise<JsonObject> {
    const { roots } = this.#config;
    if (method === "roots/list" && roots.length > 0) {
      return { roots: roots.map((root) => ({ uri: pathToFileURL(root).href, name: basename(root) })) };
    }
    const found = this.#callOf(origin);
    if ("problem" in found) {
      this.#noticed(`${method} was declined: ${found.problem}`);
      if (method === "elicitation/create") return { action: "decline" };
      throw new RpcRefusal(-32601, `${method} is answered during a tool call only: ${found.problem}`);
    }
    const { call } = found;
    const resume = call.limits.pause();
    try {
      return await this.#answerDuring(found, method, params, AbortSignal.any([signal, call.limits.signal]));
    } finally {
      resume();
    }
  }

  async #answerDuring(
    { call, bounds }: BoundedCall,
    method: string,
    params: JsonObject,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const { name, sampling } = this.#config;
    const over = AbortSignal.any([signal, bounds.over.signal]);
    const ask = (question: Question) => call.ask(question, over);
    if (method === "elicitation/create") {
      bounds.questions += 1;
      if (bounds.questions <= maxQuestions) return abortable(elicit(name, params, ask), signal);
      if (bounds.questions === maxQuestions + 1)
        this.#noticed(`it has asked more than ${maxQuestions} times in one call`);
      return { action: "decline" };
    }
    if (method === "sampling/createMessage" && this.#sample) {
      const asked = sampling === "allow" ? async () => true : ask;
      const passOn = (wish: JsonObject) => call.sample?.(wish, over);
      const { budget } = bounds;
      return answerSampling(name, params, { sample: this.#sample, passOn, ask: asked, budget, signal });
    }
    throw new RpcRefusal(-32601, `this host does not answer ${method}`);
  }

  /**
   * Returns the running call to which a request of the server belongs. In protocol 2025-11-25 a request does not name its call, and only
   * HTTP shows it: the request comes on the stream of the call. Elsewhere it counts for the call that began last, unless the server is
   * working on something else too: a guess could show one user's question to another.
   */
  #callOf(origin: RequestOrigin | undefined): BoundedCall | { problem: string } {
    const running = [...this.#running].map(([call, bounds]) => ({ call, bounds }));
    if (origin) {
      const found = running.find(({ call }) => call.limits === origin.limits);
      return found ?? { problem: "it belongs to a request that is not a running call" };
    }
    const last = running.at(-1);
    if (!last) return { problem: "no call is running" };
    if (this.#otherRequests > 0 || performance.now() < this.#workedOnUntil) {
      return {
        problem: "a prompt, a resource or a completion was requested too, and the question does not name its request",
      };
    }
    if (running.every(({ call }) => call.caller === last.call.caller)) return last;
    return { problem: "calls of several users are running, and the question does not name its call" };
  }

  /**
   * Asks the person to visit pages before a call is repeated. Resolves with true if there is at least one page and the person has accepted
   * every page.
   */
  async visit(pages: readonly Page[], ask: AskPerson, over: AbortSignal): Promise<boolean> {
    const asked = (question: Question) => ask(question, over);
    for (const page of pages) if (!(await acceptsPage(this.#config.name, page, asked))) return false;
    return pages.length > 0;
  }
}
