/** Writes what an import does or would do. Texts that look like secrets are removed. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { editServers } from "../edit/edit-servers.js";
import { clearingLines, masked, withoutSecrets } from "../reading/inline-secrets.js";
import type { ImportedFile } from "./import-file.js";
import type { ImportPlan, ImportTarget, PlannedServer } from "./import-plan.js";
import type { Note } from "./server-draft.js";

/** Returns the report. `file` is the changed configuration. `isDone` is true if the changes have been written. */
export function importReport(
  files: readonly ImportedFile[],
  { servers }: ImportPlan,
  { file: target, isDone }: { file: string; isDone: boolean },
): string {
  const lines = files.flatMap(({ file, notes }) => {
    const own = servers.filter((server) => server.file === file).flatMap(serverLines);
    return [`${file}:`, ...(own.length > 0 ? own : ["  no servers"]), ...notes.map((note) => `  ${noteText(note)}`)];
  });
  const counts = (["added", "replaced", "kept", "left out"] as const).flatMap((outcome) => {
    const count = servers.filter((server) => server.outcome === outcome).length;
    return count > 0 ? [`${count} ${outcome}`] : [];
  });
  const summary = `${target}: ${counts.join(", ") || "nothing to import"}`;
  const all = [...lines, isDone ? summary : `${summary} (--dry-run: nothing was written)`];
  // A name or a key of the file may contain line breaks, and must not look like further lines of the report.
  return clearingLines([])(all.map((line) => line.replaceAll(/\s*[\n\r\u2028\u2029]\s*/g, " ")).join("\n"));
}

function serverLines({ name, outcome, isOff, reason, notes }: PlannedServer): string[] {
  const state = isOff ? `${outcome}, switched off` : outcome;
  const advice = isOff && reason ? ` (then: mcp-platform servers enable ${name})` : "";
  const line = `  ${name}: ${state}${reason ? `: ${reason}` : ""}${advice}`;
  return [line, ...notes.map((note) => `    ${noteText(note)}`)];
}

function noteText({ key, text }: Note): string {
  return key ? `${key}: ${text}` : text;
}

/**
 * Returns a diff of the changes that the plan would make to the configuration. Secrets are removed. Returns "" if there are no changes.
 * Throws ConfigError.
 */
export function previewOf({ edits }: ImportPlan, { text, file, servers }: ImportTarget & { text: string }): string {
  const shown = edits.map((edit) => ({ ...edit, entry: masked(edit.entry) }));
  const edited = editServers(text, shown, file);
  if (edited === text) return "";
  const format = { context: 3, headerOptions: FILE_HEADERS_ONLY };
  return withoutSecrets(createTwoFilesPatch(file, file, text, edited, undefined, undefined, format), servers);
}
