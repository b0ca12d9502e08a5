import type { Environment } from "../core/environment.js";
import type { Samples } from "../core/trace-context.js";

/**
 * Returns the sampler that `OTEL_TRACES_SAMPLER` selects; the default is `parentbased_always_on`
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 *
 * The sampler makes one decision per trace. It uses only the trace id and the decision of the parent, so servers that this host calls can
 * make the same decision. It uses the last digits of the trace id, because these are always random
 * (https://www.w3.org/TR/trace-context-2/#randomness-of-trace-id).
 */
export function samplesBy({
  OTEL_TRACES_SAMPLER: sampler = "",
  OTEL_TRACES_SAMPLER_ARG: argument,
}: Environment): Samples {
  const [, parentBased, root] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(sampler) ?? ["", "yes"];
  const given = Number(argument || 1);
  const ratio = root === "always_off" ? 0 : root === "traceidratio" && given >= 0 && given <= 1 ? given : 1;
  return (traceId, parent) => {
    if (parentBased && parent !== undefined) return parent;
    return Number.parseInt(traceId.slice(-8), 16) < ratio * 2 ** 32;
  };
}
