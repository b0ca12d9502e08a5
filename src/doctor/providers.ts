/** The providers of models: what is set, whether they are there, and with `live` whether they answer. */
import { connect } from "node:net";
import type { ToolDefinition } from "../core/chat.js";
import type { LlmConfig } from "../core/config.js";
import { errorInfo, LlmError } from "../core/errors.js";
import { completionsUrl } from "../llm/endpoint.js";
import { modelOfEntry, type Provider, type ResolvedModel, resolveModel } from "../llm/providers.js";
import { hostOf, isLocal, portOf, proxyTo } from "../llm/proxy.js";
import { type Finding, fail, hasFailed, ok, warn } from "./finding.js";
import { askProvider, type LiveParts, withoutEnd } from "./live.js";
import { schemaFindings } from "./schemas.js";
import type { Section } from "./section.js";

export interface ProviderParts extends LiveParts {
  /** With the provider that turns use as `active`. */
  llm: LlmConfig;
  /** Each is asked for real. The demo model, which costs nothing, always is. */
  isLive: boolean;
  /** Variables of this provider that are not set. */
  unsetOf(name: string): readonly string[];
}

/** The one that turns use first; what fails at another one is a warning. */
export async function providerSections(parts: ProviderParts): Promise<Section[]> {
  const { llm } = parts;
  const fallback = llm.fallback.map((entry) => entry.split("/")[0] ?? entry);
  const active = llm.active ?? "";
  const names = [...new Set([active, ...fallback, ...Object.keys(llm.providers)])].filter((name) => name !== "");
  const sections: Section[] = [];
  // One after another: answers of one provider must not be slow because of another one's.
  for (const name of names) {
    const role = name === active ? "" : fallback.includes(name) ? " (fallback)" : " (not in use)";
    const section = await providerSection(name, parts, role === "");
    sections.push({ ...section, name: `provider ${name}${role}` });
  }
  return sections;
}

async function providerSection(name: string, parts: ProviderParts, isActive: boolean): Promise<Omit<Section, "name">> {
  const { findings, kind } = await examine(name, parts);
  if (isActive) return { findings, kind };
  return {
    findings: findings.map((finding) => (finding.status === "fail" ? { ...finding, status: "warn" } : finding)),
    kind,
  };
}

async function examine(name: string, parts: ProviderParts): Promise<{ findings: Finding[]; kind: string }> {
  const { llm, env, tools, isLive, signal } = parts;
  const unset = parts.unsetOf(name);
  if (unset.length > 0)
    return {
      findings: unset.map((text) => fail("variables", text, "set it where this program is started")),
      kind: "config",
    };
  let target: ResolvedModel;
  try {
    target = resolveModel(llm, env, modelOfEntry(llm, name));
  } catch (error) {
    const { kind, message, hint } = errorInfo(error);
    return { findings: [fail(kind === "auth" ? "key" : "settings", message, withoutEnd(hint))], kind };
  }
  const { provider } = target;
  const findings = [keyFinding(provider), addressFinding(target), ...schemaFindings(provider, tools)];
  if (hasFailed(findings)) return { findings, kind: "bad_request" };
  const way = await wayFindings(provider, llm, env);
  findings.push(...way);
  if (hasFailed(way)) return { findings, kind: "connect" };
  if (!isLive && name !== "demo") {
    const fix = "mcp-platform doctor --live sends it three small requests";
    return {
      findings: [...findings, warn("live", "nothing was asked, so that key and model are not tried", fix)],
      kind: "",
    };
  }
  const asked = await askProvider(llm, provider, { ...parts, tools: firstOf(tools, provider), signal });
  return { findings: [...findings, ...asked.findings], kind: asked.kind ?? "" };
}

function keyFinding({ apiKeys, keyVariable, quirks }: Provider): Finding {
  if (apiKeys.length === 0)
    return ok("key", `none, and none is needed${quirks.needsKey ? "" : ` (${keyVariable} would be sent)`}`);
  return ok("key", apiKeys.length === 1 ? "there is one" : `there are ${apiKeys.length}`);
}

function addressFinding({ provider, model }: ResolvedModel): Finding {
  const { name, baseUrl, apiKeys } = provider;
  const key = `llm.providers.${name}.base_url`;
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    return fail(
      "base_url",
      "it is no http:// or https:// address",
      `set ${key} to one like https://api.example.com/v1`,
    );
  }
  const shown = `${url.origin}${url.pathname}`;
  if (/\/(chat\/)?completions\/?$/.test(url.pathname)) {
    return fail("base_url", `${shown} holds what the host adds by itself`, `leave /chat/completions out of ${key}`);
  }
  if (url.protocol === "http:" && apiKeys.length > 0 && !isLocal(url.hostname)) {
    return warn("base_url", `${shown} gets the key and the prompts unencrypted`, `write https:// in ${key}`);
  }
  const { origin, pathname } = new URL(completionsUrl(provider, model));
  return ok("base_url", `${model} at ${origin}${pathname}`);
}

/** Whether somebody listens there, or at the proxy on the way: nothing is said to them. */
async function wayFindings(
  { name, baseUrl, limits }: Provider,
  { http }: LlmConfig,
  env: LiveParts["env"],
): Promise<Finding[]> {
  const url = new URL(baseUrl);
  try {
    const proxy = proxyTo(url, http.proxy, env);
    const isExempt = proxy === undefined && http.proxy === undefined && hasProxy(env);
    const past = isExempt ? [ok("proxy", "the one of the environment is not used for it")] : [];
    const problem = await connectProblem(proxy?.url ?? url, limits.connectTimeoutMs);
    if (!proxy) {
      const fix = `is ${name} running and reachable? Check llm.providers.${name}.base_url, the network, and whether a proxy is needed (HTTPS_PROXY)`;
      return [
        ...past,
        problem
          ? fail("connect", `nobody answers at ${url.host}: ${problem}`, fix)
          : ok("connect", `${url.host} can be reached`),
      ];
    }
    const fix = `start it, or set ${proxy.isExplicit ? "llm.http.proxy" : "HTTPS_PROXY, HTTP_PROXY or NO_PROXY"} rightly; llm.http.proxy: "" is none`;
    return [
      problem
        ? fail("proxy", `the proxy ${proxy.name} cannot be reached: ${problem}`, fix)
        : ok("proxy", `goes through ${proxy.name}`),
    ];
  } catch (error) {
    if (!(error instanceof LlmError)) throw error;
    return [fail("proxy", error.message, withoutEnd(error.hint))];
  }
}

function hasProxy(env: LiveParts["env"]): boolean {
  return ["https_proxy", "http_proxy", "all_proxy"].some((name) => env[name] || env[name.toUpperCase()]);
}

function connectProblem(url: URL, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostOf(url), port: portOf(url), autoSelectFamily: true });
    const end = (problem?: string) => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(timeoutMs, () => end(`no connection within ${timeoutMs / 1000} s`));
    socket.once("connect", () => end());
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

/** As many as a request of this provider takes beside one of our own. */
function firstOf(tools: readonly ToolDefinition[], { quirks }: Provider): readonly ToolDefinition[] {
  return tools.slice(0, quirks.maxTools - 1);
}
