/** The compiled host as its users run it: as `serve`, and as commands that start and end. */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { listening } from "../listening.mjs";

const stallProbe = fileURLToPath(new URL("stall-probe.mjs", import.meta.url));

/** A home with configurations. All hosts in it use the model at `modelUrl` or, without one, a model that answers at once. */
export class Home {
  #folder;
  #program;
  #modelUrl;
  #model = createServer(answer);
  #configurations = 0;

  constructor(folder, dist, modelUrl) {
    this.#folder = folder;
    this.#program = resolve(dist, "main.js");
    this.#modelUrl = modelUrl;
  }

  /**
   * Writes the configuration of the hosts that are started next. It is a file of its own, because hosts that run follow changes of theirs.
   * `limits`: `chat.limits`.
   */
  async configure(storage, limits = {}) {
    if (!this.#modelUrl && !this.#model.listening) await once(this.#model.listen(0, "127.0.0.1"), "listening");
    this.#configurations++;
    this.#write({ storage, limits });
  }

  /** Changes `chat.storage` in the last configuration, which the hosts follow. */
  async change(storage, rules) {
    this.#write({ storage: { ...storage, ...rules } });
  }

  #write(chat) {
    const baseUrl = this.#modelUrl ?? `http://127.0.0.1:${this.#model.address().port}/v1`;
    const config = {
      llm: {
        active: "bench",
        providers: { bench: { base_url: baseUrl, model: "m", api_key: "none", context_window: 100_000 } },
      },
      serve: { requests_per_minute: 1_000_000 },
      chat,
    };
    writeFileSync(this.#config[1], JSON.stringify(config));
  }

  /** Starts `serve`. */
  async serve() {
    const child = fork(this.#program, [...this.#config, "serve", "--port", "0", "--no-token"], {
      ...this.#place,
      execArgv: ["--import", stallProbe],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const url = await listening(child);
    const read = async (path, sent) => {
      const response = await fetch(`${url}${path}`, sent);
      const text = await response.text();
      if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
      return text;
    };
    return {
      url,
      /** Returns the longest stall of the event loop since the last call, in ms. */
      async stallMs() {
        child.send("stall");
        return (await once(child, "message"))[0];
      },
      /** Sends a GET, or a POST if there is a body, and reads the whole answer. */
      async ask(path, body, headers) {
        const sent = body && { method: "POST", headers: { "content-type": "application/json", ...headers } };
        return JSON.parse(await read(path, { ...sent, body: body && JSON.stringify(body) }));
      },
      /** Sends a GET, and resolves with the whole answer as text. */
      fetched: (path) => read(path),
      async end(signal = "SIGINT") {
        child.kill(signal);
        await once(child, "exit");
      },
    };
  }

  /** Runs a command to its end. */
  async run(...args) {
    const child = spawn(process.execPath, [this.#program, ...this.#config, ...args], {
      ...this.#place,
      stdio: ["ignore", "ignore", "ignore"],
    });
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
  }

  /** Opens a chat on a terminal and leaves it at its first prompt. Linux only. */
  async chat(...args) {
    const command = [process.execPath, this.#program, ...this.#config, "chat", ...args].join(" ");
    const child = spawn("script", ["-qefc", command, "/dev/null"], this.#place);
    const ended = once(child, "exit");
    let shown = "";
    child.stdout.on("data", (part) => {
      shown += part;
      if (/\n> $/.test(shown)) child.stdin.end("\x04");
    });
    const [code] = await ended;
    if (code !== 0) throw new Error(`chat ended with ${code}: ${shown}`);
  }

  close() {
    this.#model.close();
  }

  get #config() {
    return ["--config", join(this.#folder, `config-${this.#configurations}.json`)];
  }

  get #place() {
    return { cwd: this.#folder, env: { PATH: process.env.PATH, HOME: this.#folder, TERM: "dumb" } };
  }
}

async function answer(incoming, response) {
  const { stream } = JSON.parse(Buffer.concat(await incoming.toArray()).toString());
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const message = { role: "assistant", content: "done" };
  if (stream) {
    const chunk = { id: "c", choices: [{ index: 0, delta: message, finish_reason: "stop" }], usage };
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
    return;
  }
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ id: "c", choices: [{ index: 0, message, finish_reason: "stop" }], usage }));
}
