/** Checks the providers: their settings, whether each provider can be reached, and, if `isLive` is true, how each provider answers. */

import type { LlmConfig } from "../core/config.js";
import { errorInfo } from "../core/errors.js";
import { addAll } from "../core/lists/long-lists.js";
import type { ToolDefinition } from "../core/messages.js";
import { isLocal } from "../core/text/networks.js";
import { modelOfEntry, type Provider, type ResolvedModel, resolveModel } from "../llm/providers/providers.js";
import { unservedBy } from "../llm/providers/vendors.js";
import { wireOf } from "../llm/wires/all-wires.js";
import { toolTokens } from "../log/folds/estimate.js";
import { askProvider } from "./ask-provider.js";
import { type Finding, fail, hasFailed, ok, warn, withoutEnd } from "./finding.js";
import { schemaFindings } from "./schema-checks.js";
import type { Section } from "./section.js";
import { wayFindings } from "./way.js";
import type { TrialParts } from "./wire-trial.js";

export interface ProviderParts extends TrialParts {
  llm: LlmConfig;
  /** True if real requests are sent to each provider. The demo model always gets real requests, because they cost nothing. */
  isLive: boolean;
  toolBudgetTokens: number;
  /** Returns problems that are caused by unset environment variables in this provider's settings. */
  unsetOf(name: string): readonly string[];
}

/** Checks all providers, beginning with the provider that turns use. A failure of any other provider counts only as a warning. */
export async function providerSections(parts: ProviderParts): Promise<Section[]> {
  const { active = "", fallback, providers } = parts.llm;
  const used = [active, ...fallback].filter((entry) => entry !== "");
  const others = Object.keys(providers).filter((name) => !used.some((entry) => entry.split("/")[0] === name));
  const sections: Section[] = [];
  // The providers are checked one after another, so that the checks do not slow each other down.
  for (const entry of [...new Set([...used, ...others])]) {
    const examined = await examine(entry, parts);
    if (entry === active) {
      sections.push({ name: `provider ${entry}`, ...examined });
      continue;
    }
    const role = used.includes(entry) ? "fallback" : "not in use";
    sections.push({ ...examined, name: `provider ${entry} (${role})`, findings: examined.findings.map(atMostWarn) });
  }
  return sections;
}

function atMostWarn(finding: Finding): Finding {
  return finding.status === "fail" ? { ...finding, status: "warn" } : finding;
}

/** Checks one provider. `entry` is written like an entry of `llm.fallback`: the name of a provider, or `provider/model`. */
async function examine(entry: string, parts: ProviderParts): Promise<Pick<Section, "findings" | "kind">> {
  const { llm, env, tools, isLive } = parts;
  const unset = parts.unsetOf(entry.split("/")[0] ?? entry);
  if (unset.length > 0) {
    const fix = "set it where this program is started";
    return { findings: unset.map((text) => fail("variables", text, fix)), kind: "config" };
  }
  let target: ResolvedModel;
  try {
    target = resolveModel(llm, env, modelOfEntry(llm, entry));
  } catch (error) {
    const { kind, message, hint } = errorInfo(error);
    return { findings: [fail(kind === "auth" ? "key" : "settings", message, withoutEnd(hint))], kind };
  }
  const { provider } = target;
  const findings = [
    keyFinding(provider),
    addressFinding(target),
    wireFinding(target),
    ...schemaFindings(provider, tools),
  ];
  if (hasFailed(findings)) return { findings, kind: "bad_request" };
  addAll(findings, await wayFindings(provider, llm, env));
  if (hasFailed(findings)) return { findings, kind: "connect" };
  if (!isLive && provider.name !== "demo") {
    const fix = "mcp-platform doctor --live tries it with four small requests";
    return {
      findings: [...findings, warn("live", "not asked, so its key and model are not tried", fix)],
      kind: "",
    };
  }
  const asked = await askProvider(llm, target, { ...parts, tools: inOneRequest(parts, provider) });
  return { findings: [...findings, ...asked.findings], kind: asked.kind ?? "" };
}

function keyFinding({ apiKeys, keyVariable }: Provider): Finding {
  if (apiKeys.length === 0) return ok("key", `no key is needed (${keyVariable} would be sent)`);
  return ok("key", apiKeys.length === 1 ? "is set" : `there are ${apiKeys.length}`);
}

function addressFinding({ provider, model }: ResolvedModel): Finding {
  const { name, baseUrl, apiKeys } = provider;
  const key = `llm.providers.${name}.base_url`;
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    return fail(
      "base_url",
      "it is not an http:// or https:// address",
      `set ${key} to one like https://api.example.com/v1`,
    );
  }
  const shown = `${url.origin}${url.pathname}`;
  const asked = new URL(wireOf(provider.wire).url({ provider, model, streaming: true }));
  const added = asked.pathname.slice(url.pathname.replace(/\/+$/, "").length);
  const twice =
    /\/(chat\/)?completions\/?$/.exec(url.pathname)?.[0] ?? (url.pathname.endsWith(added) ? added : undefined);
  if (twice !== undefined)
    return fail("base_url", `${shown} contains a path that the host adds by itself`, `leave ${twice} out of ${key}`);
  if (url.protocol === "http:" && apiKeys.length > 0 && !isLocal(url.hostname)) {
    return warn("base_url", `${shown} gets the key and the prompts unencrypted`, `write https:// in ${key}`);
  }
  return ok("base_url", `${model} at ${asked.origin}${asked.pathname}`);
}

function wireFinding({ provider, model }: ResolvedModel): Finding {
  const { wire, wireBy } = provider;
  const unserved = unservedBy(provider, model);
  const chosen = `${wire}, chosen by ${wireBy}`;
  if (!unserved) return ok("wire", chosen);
  const key = `llm.providers.${provider.name}`;
  const fix = unserved.by ? `set ${key}.wire to ${unserved.by}` : `name a model of that vendor (${key}.model)`;
  return warn("wire", `${chosen}: ${model} ${unserved.why ?? "is not served over this wire there"}`, fix);
}

/**
 * Returns the tools that a turn would send in one request, with room for the tool that doctor adds. Tools that exceed the token budget are
 * left out, because in a turn the model would have to search for them.
 */
function inOneRequest({ tools, toolBudgetTokens }: ProviderParts, { quirks }: Provider): readonly ToolDefinition[] {
  let tokens = 0;
  const within = tools.filter((tool) => {
    tokens += toolTokens(tool);
    return tokens <= toolBudgetTokens;
  });
  return within.slice(0, quirks.maxTools - 1);
}
