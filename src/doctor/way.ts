/** Checks the network route to a provider without sending a request. */

import { connect } from "node:net";
import type { LlmConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { LlmError } from "../core/errors.js";
import { waitText } from "../core/text/durations.js";
import { type HttpProxy, hostOf, portOf, proxyTo } from "../llm/connection/proxy.js";
import type { Provider } from "../llm/providers/providers.js";
import { type Finding, fail, ok, withoutEnd } from "./finding.js";

/** Connects to the provider or, if a proxy is used, to the proxy. Sends nothing over the connection. */
export async function wayFindings(provider: Provider, { http }: LlmConfig, env: Environment): Promise<Finding[]> {
  const { name, baseUrl, limits } = provider;
  const url = new URL(baseUrl);
  let proxy: HttpProxy | undefined;
  try {
    proxy = proxyTo(url, http.proxy, env);
  } catch (error) {
    if (!(error instanceof LlmError)) throw error;
    return [fail("proxy", error.message, withoutEnd(error.hint))];
  }
  const problem = await connectProblem(proxy?.url ?? url, limits.connectTimeoutMs);
  if (proxy) {
    const where = proxy.isExplicit ? "llm.http.proxy" : "HTTPS_PROXY, HTTP_PROXY or NO_PROXY";
    const fix = `start the proxy, or correct ${where}; llm.http.proxy: "" uses no proxy`;
    return [
      problem
        ? fail("proxy", `the proxy ${proxy.name} cannot be reached: ${problem}`, fix)
        : ok("proxy", `goes through ${proxy.name}`),
    ];
  }
  const isExempt = http.proxy === undefined && hasProxy(env);
  const fix = `is ${name} running and reachable? Check llm.providers.${name}.base_url, the network, and whether a proxy is needed (HTTPS_PROXY)`;
  return [
    ...(isExempt ? [ok("proxy", "the proxy of the environment is not used for it")] : []),
    problem
      ? fail("connect", `nobody answers at ${url.host}: ${problem}`, fix)
      : ok("connect", `${url.host} can be reached`),
  ];
}

function hasProxy(env: Environment): boolean {
  return ["https_proxy", "http_proxy", "all_proxy"].some((name) => env[name] || env[name.toUpperCase()]);
}

function connectProblem(url: URL, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostOf(url), port: portOf(url), autoSelectFamily: true });
    const end = (problem?: string) => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(timeoutMs, () => end(`no connection within ${waitText(timeoutMs)}`));
    socket.once("connect", () => end());
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}
