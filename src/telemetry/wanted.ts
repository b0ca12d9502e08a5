import type { TelemetryConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";

/**
 * Returns true if spans or metrics are to be sent to a collector. This is decided by the configuration or by OpenTelemetry's standard
 * variables.
 */
export function wantsCollector(
  { enabled, endpoint }: Pick<TelemetryConfig, "enabled" | "endpoint">,
  env: Environment,
): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === "true") return false;
  const named = ["", "TRACES_", "METRICS_"].some((signal) => env[`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`]);
  return enabled ?? (named || endpoint !== undefined);
}
