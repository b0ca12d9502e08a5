/** Writes the report of an import. Texts that look like secrets are removed. */

import { clearingLines } from "../reading/inline-secrets.js";
import type { ImportPlan, PlannedServer } from "./import-plan.js";
import type { ImportedFile } from "./shared/importer.js";
import type { Note } from "./shared/server-draft.js";

/** Returns the report. `file` is the changed configuration. `isDone` is true if the changes have been written. */
export function importReport(
  files: readonly ImportedFile[],
  plan: ImportPlan,
  target: { file: string; isDone: boolean },
): string {
  const lines = files.flatMap(({ file, notes }) => [
    `${file}:`,
    ...plan.servers.filter((server) => server.file === file).flatMap(serverLines),
    ...(plan.servers.some((server) => server.file === file) ? [] : ["  no servers"]),
    ...notes.map((note) => `  ${noteText(note)}`),
  ]);
  // A name or a key of the file may contain line breaks, and must not look like further lines of the report.
  const inOneLine = [...lines, summary(plan, target)].map((line) => line.replaceAll(/\s*[\n\r\u2028\u2029]\s*/g, " "));
  return clearingLines([])(inOneLine.join("\n"));
}

function serverLines({ name, outcome, isOff, reason, notes }: PlannedServer): string[] {
  const state = isOff ? `${outcome}, switched off` : outcome;
  const advice = isOff && reason ? ` (then: mcp-platform servers enable ${name})` : "";
  return [
    `  ${name}: ${state}${reason ? `: ${reason}` : ""}${advice}`,
    ...notes.map((note) => `    ${noteText(note)}`),
  ];
}

function noteText({ key, text }: Note): string {
  return key ? `${key}: ${text}` : text;
}

function summary({ servers }: ImportPlan, { file, isDone }: { file: string; isDone: boolean }): string {
  const counts = (["added", "replaced", "kept", "left out"] as const).flatMap((outcome) => {
    const count = servers.filter((server) => server.outcome === outcome).length;
    return count > 0 ? [`${count} ${outcome}`] : [];
  });
  const words = `${file}: ${counts.join(", ") || "nothing to take over"}`;
  return isDone ? words : `${words} (--dry-run: nothing was written)`;
}
