import { configuredSecrets } from "../config/reading/secrets.js";
import type { Config } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import type { Observe } from "../core/ports.js";
import { fromLevel, stderrLines } from "./logging.js";

/**
 * Returns an observer that writes log lines to stderr. For each line, it reads the log levels and the secrets to remove from the current
 * configuration.
 */
export function stderrLog(config: () => Config, env: Environment): Observe {
  const write = (line: string) => void process.stderr.write(line);
  let current: { config: Config; log: Observe } | undefined;
  const logOf = (now: Config) => {
    const { maxLength, format } = now.logging;
    return stderrLines({ write, now: Date.now, secrets: configuredSecrets(now, env), maxLength, format });
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
