/**
 * Sends test requests to a provider. Uses the same client and the same wire (API) as turns. If that wire fails, the other wires are tried
 * too.
 */
import type { LlmConfig } from "../core/config.js";
import type { ResolvedModel } from "../llm/providers/providers.js";
import { type Finding, hasFailed } from "./finding.js";
import { otherWireFindings } from "./other-wires.js";
import { TheirClock } from "./their-clock.js";
import { type TrialParts, tryWire } from "./wire-trial.js";

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
