/** Tries a provider with the client and the wire that turns use; if that wire fails, with the others too. */
import type { LlmConfig } from "../core/config.js";
import type { ResolvedModel } from "../llm/providers/providers.js";
import { type Finding, hasFailed } from "./finding.js";
import { otherWireFindings } from "./other-wires.js";
import { TheirClock } from "./their-clock.js";
import { type TrialParts, tryWire } from "./wire-trial.js";

/** Tries the provider. `kind`: kind of the error that ended it. Rejects only with the signal's reason. */
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
