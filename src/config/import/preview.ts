import { editServers } from "../edit.js";
import { withoutSecrets } from "../inline-secrets.js";
import { unifiedDiff } from "../text-diff.js";
import type { ImportPlan, ImportTarget } from "./plan.js";

/** Returns the plan's changes to the configuration as a diff without secrets. Throws ConfigError. */
export function previewOf({ shown }: ImportPlan, { text, file, servers }: ImportTarget & { text: string }): string {
  return withoutSecrets(unifiedDiff(text, editServers(text, shown, file), file), servers);
}
