/**
 * Sends test requests to a provider, with the same client and the same wire (API) as turns. If that wire fails, searches for another one
 * that works.
 */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { LlmConfig, WireName } from "../core/config.js";
import { hostOf } from "../llm/connection/proxy.js";
import { type ResolvedModel, resolveModel } from "../llm/providers/providers.js";
import { type Finding, hasFailed, ok, warn } from "./finding.js";
import { toleratedSkewMs } from "./host-checks.js";
import { type TrialParts, tryWire } from "./wire-trial.js";

/** Wires in the order in which they are tried. `chat` is last, because many providers offer it in addition to their own wire. */
const wires: readonly WireName[] = ["responses", "messages", "gemini", "chat"];
/** Kinds of errors for which no other wire is tried: they occur over every wire, or before a request is sent. */
const sameOverAll = new Set([
  ...["rate_limit", "quota", "overloaded", "connect", "connect_timeout", "queue_timeout", "total_timeout"],
  ...["context_length", "content_filter", "aborted"],
]);

/** Tries the other wires. `kind` is the error kind of the configured wire. Rejects only with the signal's reason. */
async function otherWireFindings(
  llm: LlmConfig,
  { provider, model }: ResolvedModel,
  parts: TrialParts,
  kind = "",
): Promise<Finding[]> {
  if (sameOverAll.has(kind)) return [];
  const { name } = provider;
  const own = llm.providers[name] ?? {};
  const failed: string[] = [];
  for (const wire of wires) {
    if (wire === provider.wire) continue;
    for (const baseUrl of own.baseUrl === undefined ? [undefined] : addressesOf(own.baseUrl, wire)) {
      const tried = { ...own, wire, ...(baseUrl === undefined ? {} : { baseUrl }) };
      const config = { ...llm, http: { ...llm.http, maxRetries: 0 }, providers: { ...llm.providers, [name]: tried } };
      const trial = await tryWire(config, resolveModel(config, parts.env, `${name}/${model}`), parts);
      const isUsed = trial.wire === wire;
      if (isUsed && !hasFailed(trial.findings)) return [worksFinding(name, tried, own.baseUrl)];
      const why = trial.findings.find(({ status }) => status === "fail")?.text;
      if (isUsed && why !== undefined) failed.push(`${wire}: ${why}`);
    }
  }
  // A provider that rejects the key rejects it over every wire.
  if (kind === "auth") return [];
  const fix = `check llm.providers.${name}.base_url and model`;
  return [warn("wire", `the other wires fail too (${failed.join("; ")})`, fix)];
}

function worksFinding(
  name: string,
  { wire, baseUrl }: { wire: WireName; baseUrl?: string },
  configuredUrl: string | undefined,
): Finding {
  const lines = [`"wire: ${wire}"`, ...(baseUrl === configuredUrl ? [] : [`"base_url: ${baseUrl}"`])];
  const fix = `write ${lines.join(" and ")} under llm.providers.${name} in config.yaml`;
  return warn("wire", `the same requests succeed over the wire ${wire}`, fix);
}

/**
 * Returns the addresses at which this provider may offer the wire. The paths are the usual paths of vendors and gateways. The host of
 * `baseUrl` stays the same, so no other host gets the key.
 */
function addressesOf(baseUrl: string, wire: WireName): string[] {
  const [, path = "", query = ""] = /^([^?]*?)\/*(\?.*)?$/.exec(baseUrl) ?? [];
  const root = path.replace(/\/(v1|v1beta|v1beta\/openai|anthropic|anthropic\/v1)$/, "");
  const same = /\/(v1beta(\/openai)?|anthropic(\/v1)?)$/.test(path) ? `${root}/v1` : path;
  const paths = {
    responses: [same],
    messages: [same, `${root}/anthropic/v1`],
    gemini: [`${root}/v1beta`],
    chat: [same, ...(path.endsWith("/v1beta") ? [`${path}/openai`] : [])],
  }[wire];
  return paths.map((each) => each + query);
}

/**
 * Sends test requests to the provider. If an error ended the test, `kind` is the kind of that error. Rejects only with the signal's reason.
 */
export async function askProvider(
  llm: LlmConfig,
  target: ResolvedModel,
  parts: TrialParts,
): Promise<{ findings: Finding[]; kind?: string }> {
  using clock = new TheirClock(target.provider.baseUrl);
  const { findings, kind } = await tryWire(llm, target, parts);
  if (!hasFailed(findings)) return { findings: [...findings, ...clock.findings()] };
  const others = await otherWireFindings(llm, target, parts, kind);
  return { findings: [...findings, ...others, ...clock.findings()], kind };
}

/**
 * Compares this machine's clock with the provider's clock. The provider's time is taken from the `Date` header of responses. No additional
 * requests are sent for it.
 */
class TheirClock implements Disposable {
  #skewMs: number | undefined;
  readonly #host: string;
  readonly #listen = (message: unknown) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const theirs = Date.parse(response.headers.date ?? "");
    if (request.host === this.#host && request.method === "POST" && Number.isFinite(theirs))
      this.#skewMs = Date.now() - theirs;
  };

  constructor(baseUrl: string) {
    this.#host = URL.canParse(baseUrl) ? hostOf(new URL(baseUrl)) : "";
    subscribe("http.client.response.finish", this.#listen);
  }

  findings(): Finding[] {
    if (this.#skewMs === undefined) return [];
    const seconds = Math.round(Math.abs(this.#skewMs) / 1000);
    if (Math.abs(this.#skewMs) <= toleratedSkewMs)
      return [ok("clock", `differs from the provider's clock by at most ${seconds} s`)];
    const text = `this machine's clock is ${seconds} s ${this.#skewMs > 0 ? "ahead of" : "behind"} the provider's`;
    return [
      warn(
        "clock",
        text,
        "set the clock (timedatectl set-ntp true): logins and certificates are refused under a wrong one",
      ),
    ];
  }

  [Symbol.dispose](): void {
    unsubscribe("http.client.response.finish", this.#listen);
  }
}
