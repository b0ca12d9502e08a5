import type { TelemetryConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";

/** Returns true if spans and metrics are sent to a collector. The configuration or OpenTelemetry's standard variables decide. */
export function wantsCollector(
  { enabled, endpoint }: Pick<TelemetryConfig, "enabled" | "endpoint">,
  env: Environment,
): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === "true") return false;
  const named = ["", "TRACES_", "METRICS_"].some((signal) => env[`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`]);
  return enabled ?? (named || endpoint !== undefined);
}
