/** What may be told of a run: nothing of what its host keeps to itself. */

import { Cleaner } from "../cassette/clean.js";
import type { LoadedConfig } from "../config/load.js";
import { configuredSecrets } from "../config/secrets.js";
import type { Environment } from "../core/environment.js";
import type { Script } from "../frontends/script/script.js";
import { settingsOf } from "./script-settings.js";

/** Knows the secrets of the configuration that the script's settings are laid over, and of those settings. */
export function runCleaner(
  script: Script,
  config: LoadedConfig,
  { model, env }: { model: string | undefined; env: Environment },
): Cleaner {
  const cleaner = new Cleaner();
  cleaner.conceal(configuredSecrets(config.with(settingsOf(script, model), { allowsUnset: true }).config, env));
  return cleaner;
}
