import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { editServers } from "../edit/edit-servers.js";
import { withoutSecrets } from "../reading/inline-secrets.js";
import type { ImportPlan, ImportTarget } from "./import-plan.js";

/**
 * Returns a diff of the changes that the plan would make to the configuration. Secrets are removed. Returns "" if there are no changes.
 * Throws ConfigError.
 */
export function previewOf({ shown }: ImportPlan, { text, file, servers }: ImportTarget & { text: string }): string {
  const edited = editServers(text, shown, file);
  if (edited === text) return "";
  const format = { context: 3, headerOptions: FILE_HEADERS_ONLY };
  return withoutSecrets(createTwoFilesPatch(file, file, text, edited, undefined, undefined, format), servers);
}
