import { editServers } from "../edit.js";
import { withoutSecrets } from "../inline-secrets.js";
import { unifiedDiff } from "../text-diff.js";
import type { ImportPlan, ImportTarget } from "./plan.js";

/** Returns a diff of the changes that the plan makes to the configuration, with secrets removed. Throws ConfigError. */
export function previewOf({ shown }: ImportPlan, { text, file, servers }: ImportTarget & { text: string }): string {
  return withoutSecrets(unifiedDiff(text, editServers(text, shown, file), file), servers);
}
