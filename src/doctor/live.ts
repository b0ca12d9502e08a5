/** A provider really asked, by the client that turns use, over the wire that they use; and over the others, where that one fails. */
import type { LlmConfig } from "../core/config.js";
import type { ResolvedModel } from "../llm/providers/providers.js";
import { type Finding, hasFailed } from "./finding.js";
import { otherWireFindings } from "./other-wires.js";
import { TheirClock } from "./their-clock.js";
import { type TrialParts, tryWire } from "./wire-trial.js";

/** `kind`: that of the error that ended it. Rejects with the signal's reason only. */
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
