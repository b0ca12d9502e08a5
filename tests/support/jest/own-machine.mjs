/**
 * Hides the machine that runs the tests from them: keys, settings and files of its user, and model servers on their usual ports. The
 * workers and their child processes inherit this environment.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A port on which nothing listens. */
const closedPort = 1;
/** The usual ports of Ollama, LM Studio and llama.cpp (src/llm/providers/presets.ts). */
const modelPorts = [11434, 1234, 8080];

const providers = ["OLLAMA", "LMSTUDIO", "LLAMACPP"];
/** Environment variables that hide these servers from a host with an environment of its own, so that it uses the demo model. */
export const noLocalModels = Object.fromEntries(
  providers.map((name) => [`MCP_PLATFORM_LLM__PROVIDERS__${name}__BASE_URL`, `http://127.0.0.1:${closedPort}/v1`]),
);

/** Changes the environment of this process, from which those of its children are made. */
export function hideUser() {
  for (const name of Object.keys(process.env)) if (/^MCP_|_API_KEY$|^XDG_/.test(name)) delete process.env[name];
  const home = mkdtempSync(join(tmpdir(), "home-of-tests-"));
  process.on("exit", () => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));
  Object.assign(process.env, noLocalModels, { HOME: home, USERPROFILE: home });
}

/** Refuses connections of this process to the ports of model servers, whatever the environment of a host in it says. */
export function hideModelServers() {
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function (...args) {
    const [options] = args.flat(); // `net.connect` passes an array
    const isModelServer = modelPorts.includes(Number(options?.port));
    return isModelServer ? connect.call(this, { ...options, port: closedPort }) : connect.apply(this, args);
  };
}
