import { configuredSecrets } from "./config/secrets.js";
import type { Config } from "./core/config.js";
import type { Environment } from "./core/environment.js";
import type { Observe } from "./core/ports.js";
import { fromLevel, jsonLog } from "./logging.js";

/** Returns the log on stderr. The current configuration gives its levels, and the secrets that no line may hold. */
export function stderrLog(config: () => Config, env: Environment): Observe {
  const write = (line: string) => void process.stderr.write(line);
  let current: { config: Config; log: Observe } | undefined;
  const logOf = (now: Config) => {
    const { maxLength } = now.logging;
    return jsonLog({ write, now: Date.now, secrets: configuredSecrets(now, env), maxLength });
  };
  return fromLevel(
    () => config().logging,
    (event) => {
      const now = config();
      if (current?.config !== now) current = { config: now, log: logOf(now) };
      current.log(event);
    },
  );
}
