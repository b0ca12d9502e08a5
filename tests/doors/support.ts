import { Writable } from "node:stream";
import type { DoorParts } from "../../src/doors/shared/door.js";
import type { App } from "../../src/index.js";
import { chunk, json, type Step, stream } from "../support/llm-server.js";

/** Returns the parts of the app that a front door gets. Ids count up; the caller provides the clock. */
export function doorParts(app: App, now: () => number = () => 0): DoorParts {
  const { sessions, hub, resolveModel, choosableModels, scrape } = app;
  let ids = 0;
  const reload = async () => "nothing has changed";
  const login = async () => "logged in";
  const secrets = () => ["sk-test-0123456789"];
  return {
    ...{ sessions, hub, resolveModel, choosableModels, scrape, reload, login, secrets },
    newId: (prefix) => `${prefix}_${++ids}`,
    now,
  };
}

/** A stream that collects what is written to it. */
export class Sink extends Writable {
  text = "";
  columns?: number;
  #seen = 0;
  #changed: () => void = () => {};

  constructor(columns?: number) {
    super({ decodeStrings: false });
    this.columns = columns;
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk;
    this.#changed();
    done();
  }

  /** Resolves when the text after the last match matches `pattern`. One caller at a time. */
  async until(pattern: RegExp | string): Promise<void> {
    for (;;) {
      const rest = this.text.slice(this.#seen);
      const found = typeof pattern === "string" ? rest.indexOf(pattern) : rest.search(pattern);
      if (found >= 0) {
        const length = typeof pattern === "string" ? pattern.length : (pattern.exec(rest)?.[0].length ?? 0);
        this.#seen += found + length;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

/** A sink that reads nothing until it is released. */
export class HeldSink extends Sink {
  #release = () => {};
  readonly #held = new Promise<void>((resolve) => {
    this.#release = resolve;
  });

  release(): void {
    this.#release();
  }

  override _write(text: string, encoding: BufferEncoding, done: () => void): void {
    void this.#held.then(() => super._write(text, encoding, done));
  }
}

/** Returns a source of interrupts that the test triggers, as Ctrl-C does. */
export function interrupts() {
  const listeners = new Set<() => void>();
  return {
    onInterrupt: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    interrupt: () => {
      for (const listener of listeners) listener();
    },
    listeners,
  };
}

const fewTokens = { prompt_tokens: 10, completion_tokens: 5 };

/** Returns an answer that says a text and then calls one tool, as models often do. */
export function sayAndCall(content: string, name: string, args: object = {}, usage: object = fewTokens): Step {
  const call = { id: "call_1", type: "function", function: { name, arguments: JSON.stringify(args) } };
  const message = { role: "assistant", content, tool_calls: [call] };
  const whole = json({ choices: [{ index: 0, message, finish_reason: "tool_calls" }], usage });
  const deltas = [chunk({ content }), chunk({ tool_calls: [{ index: 0, ...call }] }), chunk({}, "tool_calls")];
  const streamed = stream([...deltas, { choices: [], usage }, "data: [DONE]\n\n"]);
  return (response, request) => (request.body.stream ? streamed : whole)(response, request);
}
