/** `servers import`: adds the servers that are configured in other programs, with their settings. */
import { homedir } from "node:os";
import { type Command, Option } from "commander";
import type { ConfigFile } from "../../../config/edit/config-file.js";
import type { ImportedFile } from "../../../config/import/import-file.js";
import { RequestError } from "../../../core/errors.js";
import { unambiguous } from "../../../core/text/inert.js";
import { asListed, editLocation, findSource, type GlobalOptions } from "../../shared/configuration.js";
import { canAsk, isAgreed } from "../../shared/confirmed.js";
import { printInert, tell } from "../../shared/process.js";

interface ImportFlags {
  from?: string;
  dryRun?: boolean;
  replace?: boolean;
  secrets?: "keep" | "refer";
}

export function addImportCommand(servers: Command, globals: () => GlobalOptions): void {
  servers
    .command("import")
    .description("import the servers of another program; without --from, list the configurations found")
    .option(
      "--from <program or file>",
      "claude-desktop, claude-code, cursor, vscode, gemini, codex, opencode, goose, zed, kit, original, or the path of a configuration file",
    )
    .option("--dry-run", "show the change without making it")
    .option("--replace", "replace servers whose names are in the configuration already")
    .addOption(
      new Option(
        "--secrets <how>",
        "keep secrets as they are, or refer to them by placeholders (default: keep them only where nobody else can read the file)",
      ).choices(["keep", "refer"]),
    )
    .action((flags: ImportFlags) => importServers(flags, globals()));
}

async function importServers(flags: ImportFlags, globals: GlobalOptions): Promise<void> {
  const { from, dryRun = false, replace = false } = flags;
  const { changeConfigFile, readConfigFile } = await import("../../../config/edit/config-file.js");
  const { planImport } = await import("../../../config/import/import-plan.js");
  const { importReport, previewOf } = await import("../../../config/import/import-report.js");
  const location = editLocation(findSource(globals));
  const files = from === undefined ? await chosen() : await agreed(from, flags);
  if (files === undefined) return;
  const planFor = (target: ConfigFile) => {
    const secrets = flags.secrets ?? (target.isPrivate ? "keep" : "refer");
    return planImport(files, { ...target, env: process.env }, { replace, secrets });
  };
  if (dryRun) {
    const target = readConfigFile(location);
    const plan = planFor(target);
    const diff = previewOf(plan, { ...target, env: process.env });
    if (diff) await printInert(diff);
    return printInert(importReport(files, plan, { file: target.file, isDone: false }));
  }
  const { target, plan, notices } = await changeConfigFile(location, planFor);
  tell(notices);
  await printInert(importReport(files, plan, { file: target.file, isDone: true }));
}

const tools = () => import("../../../config/import/find-files.js");

const surroundings = () => ({ platform: process.platform, env: process.env, home: homedir(), cwd: process.cwd() });

/**
 * Returns the configuration files of a program, or the one file that the user named. Asks the user about each file in the working
 * directory, because someone else may have written that file. Without a terminal, leaves these files out. Rejects with RequestError if no
 * file is left.
 */
async function agreed(from: string, { dryRun = false }: ImportFlags): Promise<ImportedFile[]> {
  const files = (await tools()).importFrom(from, surroundings());
  const kept: ImportedFile[] = [];
  for (const file of files) {
    if (dryRun || !file.isOfFolder || (await isTaken(file))) kept.push(file);
    else if (!canAsk())
      tell([`${file.file} is a file of this folder and was left out: --from ${file.file} imports it`]);
  }
  if (kept.length > 0) return kept;
  const names = files.map(({ file }) => file).join(", ");
  throw new RequestError("usage", `nothing was imported: ${names} ${files.length > 1 ? "are" : "is"} of this folder`, {
    hint: "Look at what is in it (--dry-run), and name the file to import it: --from FILE.",
  });
}

async function isTaken(file: ImportedFile): Promise<boolean> {
  if (!canAsk()) return false;
  return isAgreed(unambiguous(`${file.file}:\n${await listed(file)}Import these? y/n: `));
}

/** Describes the servers of a file and what these servers may do. */
async function listed({ servers }: ImportedFile): Promise<string> {
  const { describeEntry } = await import("../../../config/consent/consent-text.js");
  const folder = process.cwd();
  return servers
    .map(({ name, entry, skipped }) => asListed(skipped ? [`${name}: ${skipped}`] : describeEntry(name, entry, folder)))
    .join("");
}

/** Lists the files that were found, and returns those that the user agrees to import. Without a terminal, returns undefined. */
async function chosen(): Promise<ImportedFile[] | undefined> {
  const { displayName } = await import("../../../core/source/source.js");
  const found = (await tools()).findAll(surroundings());
  const folder = process.cwd();
  const files: ImportedFile[] = [];
  const lines: string[] = [];
  for (const { program, path, imported } of found) {
    const title = `${program.title}, ${displayName(path, folder)}`;
    if ("problem" in imported) {
      lines.push(`${title}: ${imported.problem}`);
      continue;
    }
    const names = imported.servers.map(({ name }) => name).join(", ");
    lines.push(
      `${title}: ${names || "no servers"} (--from ${imported.isOfFolder ? displayName(path, folder) : program.tool})`,
    );
    const what = await listed(imported);
    if (names && canAsk() && (await isAgreed(unambiguous(`${title}:\n${what}Import these? y/n: `)))) {
      files.push(imported);
    }
  }
  if (files.length > 0) return files;
  await printInert(lines.join("\n") || "no configuration of another program was found (--from FILE names one)");
  return undefined;
}
