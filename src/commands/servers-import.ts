/** `servers import`: the servers of other tools, with their settings. */
import { homedir } from "node:os";
import { type Command, Option } from "commander";
import type { ImportedFile } from "../config/import/importer.js";
import { unambiguous } from "../core/inert.js";
import { asListed, type GlobalOptions } from "./configuration.js";
import { canAsk, isAgreed } from "./consent.js";
import { printInert, tell } from "./process.js";

interface ImportFlags {
  from?: string;
  dryRun?: boolean;
  replace?: boolean;
  secrets?: "keep" | "refer";
}

export function addImportCommand(servers: Command, globals: () => GlobalOptions): void {
  servers
    .command("import")
    .description("take over the servers of another tool; without --from, see what there is")
    .option(
      "--from <tool or file>",
      "claude-desktop, claude-code, cursor, vscode, gemini, codex, opencode, goose, zed, kit, original, or a file of theirs",
    )
    .option("--dry-run", "only show what would change")
    .option("--replace", "also take servers whose names are in the configuration already")
    .addOption(
      new Option(
        "--secrets <how>",
        "write secrets as they are, or placeholders for them (default: by who can read the file)",
      ).choices(["keep", "refer"]),
    )
    .action((flags: ImportFlags) => importServers(flags, globals()));
}

async function importServers(flags: ImportFlags, globals: GlobalOptions): Promise<void> {
  const { from, dryRun = false, replace = false } = flags;
  const { editTarget, applyEdits } = await import("./edit-target.js");
  const { planImport } = await import("../config/import/plan.js");
  const { reportOf } = await import("../config/import/report.js");
  const files = from === undefined ? await chosen() : (await tools()).importFrom(from, surroundings());
  if (files === undefined) return;
  const target = editTarget(globals);
  const secrets = flags.secrets ?? (target.isPrivate ? "keep" : "refer");
  const destination = { ...target, env: process.env };
  const plan = planImport(files, destination, { replace, secrets });
  if (dryRun) {
    const diff = (await import("../config/import/preview.js")).previewOf(plan, destination);
    if (diff) await printInert(diff);
  }
  if (!dryRun && plan.edits.length > 0) tell(applyEdits(target, plan.edits, plan));
  await printInert(reportOf(files, plan, { file: target.file, isDone: !dryRun }));
}

const tools = () => import("../config/import/tools.js");

const surroundings = () => ({ platform: process.platform, env: process.env, home: homedir(), cwd: process.cwd() });

/** What the person at the terminal agrees to. Elsewhere it is only listed: undefined. */
async function chosen(): Promise<ImportedFile[] | undefined> {
  const { displayName } = await import("../core/source.js");
  const found = (await tools()).findAll(surroundings());
  const { describeEntry } = await import("../config/consent-text.js");
  const folder = process.cwd();
  const files: ImportedFile[] = [];
  const lines: string[] = [];
  for (const { importer, path, imported } of found) {
    const place = `${importer.title}, ${displayName(path, folder)}`;
    if ("problem" in imported) {
      lines.push(`${place}: ${imported.problem}`);
      continue;
    }
    const names = imported.servers.map(({ name }) => name).join(", ");
    lines.push(`${place}: ${names || "no servers"} (--from ${importer.tool})`);
    const what = imported.servers
      .map(({ name, entry, skipped }) =>
        asListed(skipped ? [`${name}: ${skipped}`] : describeEntry(name, entry, folder)),
      )
      .join("");
    if (names && canAsk() && (await isAgreed(unambiguous(`${place}:\n${what}Take these over? y/n: `)))) {
      files.push(imported);
    }
  }
  if (files.length > 0) return files;
  await printInert(
    lines.join("\n") || "no configuration of another tool is at its usual place (--from FILE names one)",
  );
  return undefined;
}
