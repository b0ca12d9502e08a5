import { RequestError } from "../core/errors.js";
import type { ServerStatus } from "../core/ports.js";
import { innerSteps, type Script, type Step } from "./shared/script.js";
import type { ScriptHost } from "./steps/script-host.js";

/**
 * Waits until each server that the script uses is ready or has failed. Rejects with RequestError if one of the servers cannot be used.
 * Rejects with the reason of `signal` if the signal is aborted.
 */
export async function requireServers(script: Script, host: ScriptHost, signal: AbortSignal): Promise<void> {
  const known = host.hub.servers();
  const own = script.mcpServers && Object.keys(script.mcpServers);
  const named = own ?? known.map(({ name }) => name).filter((name) => namesServer(script.steps, name));
  await Promise.race([host.ready(named), aborted(signal)]);
  const down = host.hub.servers().find((server) => named.includes(server.name) && isDown(server));
  if (!down) return;
  const reason = down.reason ?? `it is ${down.state}`;
  throw new RequestError("required_server_down", `mcpServers.${down.name}: ${reason}`, {
    hint: "the script cannot begin without it",
  });
}

const isDown = ({ state }: ServerStatus) => state === "failed" || state === "needs_auth";

function namesServer(steps: readonly Step[], server: string): boolean {
  return steps.some((step) => {
    if (step.kind === "tool") return isOf(server, step.tool);
    if (step.kind === "prompt") return isOf(server, step.prompt);
    return namesServer(innerSteps(step) ?? [], server);
  });
}

const isOf = (server: string, name: string) => name.startsWith(`${server}.`) || name.startsWith(`${server}__`);

function aborted(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
