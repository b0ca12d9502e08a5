import { largest } from "../../core/lists/long-lists.js";
import { toVisibleJson } from "../../core/text/inert.js";
import type { Finding } from "../../doctor/finding.js";
import { hasFailed } from "../../doctor/finding.js";
import type { Section } from "../../doctor/section.js";
import type { ServerCheck } from "../../doctor/server-check.js";

export function findingLines(findings: readonly Finding[]): string[] {
  const width = largest(findings.map(({ check }) => check.length));
  return findings.flatMap(({ check, status, text, fix }) => [
    `${status.padEnd(4)}  ${check.padEnd(width)}  ${text}`,
    ...(fix ? [`${" ".repeat(width + 8)}fix: ${fix}`] : []),
  ]);
}

/** Returns the server's stderr as lines to print, or no lines if the server works. */
export function lastStderr({ findings, stderr }: ServerCheck): string[] {
  return hasFailed(findings) && stderr.length > 0
    ? ["its last lines on stderr:", ...stderr.map((line) => `  ${line}`)]
    : [];
}

/** Returns the facts about a server under the names that the JSON output uses. */
export function serverFacts({ timings, era, version, tools, stderr }: ServerCheck) {
  const { initializeMs = null, listMs = null, pingMs = null } = timings;
  return {
    era: era ?? null,
    version: version ?? null,
    initialize_ms: initializeMs,
    list_ms: listMs,
    ping_ms: pingMs,
    tools: tools.map(({ name, tokens, isOffered }) => ({ name, tokens, offered: isOffered })),
    stderr,
  };
}

export function reportText(sections: readonly Section[]): string {
  const all = sections.flatMap(({ findings }) => findings);
  const count = (status: Finding["status"]) => all.filter((finding) => finding.status === status).length;
  const blocks = sections.map(({ name, findings, server }) =>
    [name, ...[...findingLines(findings), ...(server ? lastStderr(server) : [])].map((line) => `  ${line}`)].join("\n"),
  );
  return [...blocks, `${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} failed`].join("\n\n");
}

export function reportJson(
  sections: readonly Section[],
  facts: { version: string; live: boolean; exit_code: number },
): string {
  const listed = sections.map(({ name, findings, server }) => ({
    name,
    ok: !hasFailed(findings),
    findings,
    ...(server ? serverFacts(server) : {}),
  }));
  const isOk = listed.every((section) => section.ok);
  return `${toVisibleJson({ ok: isOk, ...facts, sections: listed }, 2)}\n`;
}
