/** Removes secrets from the reports of a run. */

import type { LoadedConfig } from "../../config/reading/load.js";
import { configuredSecrets } from "../../config/reading/secrets.js";
import type { Environment } from "../../core/environment.js";
import { Cleaner } from "../cassette/file/clean.js";
import type { Script } from "../shared/script.js";
import { settingsOf } from "./script-settings.js";

/** Returns a cleaner that removes the secrets of the configuration and of the script's own settings. */
export function runCleaner(
  script: Script,
  config: LoadedConfig,
  { model, env }: { model: string | undefined; env: Environment },
): Cleaner {
  const cleaner = new Cleaner();
  cleaner.conceal(configuredSecrets(config.with(settingsOf(script, model), { allowsUnset: true }).config, env));
  return cleaner;
}
