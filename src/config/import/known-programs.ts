/** Programs whose configurations can be imported, and their files on this machine. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError, RequestError } from "../../core/errors.js";
import { displayName } from "../../core/source/source.js";
import { didYouMean } from "../../core/text/nearest.js";
import { claudeCode } from "./programs/claude-code.js";
import { claudeDesktop } from "./programs/claude-desktop.js";
import { codex } from "./programs/codex.js";
import { cursor } from "./programs/cursor.js";
import { geminiCli } from "./programs/gemini.js";
import { goose } from "./programs/goose.js";
import { kit } from "./programs/kit.js";
import { opencode } from "./programs/opencode.js";
import { original } from "./programs/original.js";
import { vscode } from "./programs/vscode.js";
import { zed } from "./programs/zed.js";
import { type ForeignText, readForeign } from "./shared/foreign-text.js";
import { type ImportedFile, type Importer, type ImportSurroundings, importFile } from "./shared/importer.js";

const importers: readonly Importer[] = [
  claudeDesktop,
  claudeCode,
  cursor,
  vscode,
  geminiCli,
  codex,
  opencode,
  goose,
  zed,
  kit,
  original,
];

/** A configuration file of another program: its content, or the reason why it cannot be read. */
export interface FoundFile {
  importer: Importer;
  path: string;
  imported: ImportedFile | { problem: string };
}

/** Reads the configuration files of all known programs that exist on this machine or in the working directory. */
export function findAll(surroundings: ImportSurroundings): FoundFile[] {
  return importers.flatMap((importer) =>
    filesOf(importer, surroundings).map((path): FoundFile => {
      try {
        return { importer, path, imported: imported(importer, path, surroundings) };
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return { importer, path, imported: { problem: error.message } };
      }
    }),
  );
}

/**
 * Reads all files of one program, or one file. `from` is the name of the program or the path of the file. Throws RequestError if there is
 * no file, and ConfigError if a file cannot be read.
 */
export function importFrom(from: string, surroundings: ImportSurroundings): ImportedFile[] {
  const { cwd } = surroundings;
  const importer = importers.find(({ tool }) => tool === from);
  if (importer) {
    const paths = filesOf(importer, surroundings);
    if (paths.length === 0) {
      const places = importer.places(surroundings).map((path) => displayName(path, cwd));
      throw new RequestError(
        "not_found",
        `${importer.title} has no configuration at its usual places: ${places.join(", ")}`,
        {
          hint: "name the file: --from FILE",
        },
      );
    }
    return paths.map((path) => imported(importer, path, surroundings));
  }
  const path = resolve(cwd, from);
  if (!existsSync(path)) {
    const names = importers.map(({ tool }) => tool);
    throw new RequestError("usage", `${from} is neither a tool nor a file${didYouMean(from, names)}`, {
      hint: `tools: ${names.join(", ")}`,
    });
  }
  const text = readForeign(path, cwd);
  const owner = ownerOf(text);
  if (owner) return [importFile(owner, text, surroundings)];
  throw new RequestError("usage", `${text.file} has no MCP servers in a shape that is known here`, {
    hint: "known are mcpServers, servers (VS Code), mcp_servers (Codex), mcp (opencode), extensions (goose), context_servers (Zed)",
  });
}

/** Imports a file whose path is one of `importer.places`. */
function imported(importer: Importer, path: string, surroundings: ImportSurroundings): ImportedFile {
  const file = importFile(importer, readForeign(path, surroundings.cwd), surroundings);
  return { ...file, isOfFolder: isOfFolder(importer, path, surroundings) };
}

/** Returns true if the path depends on the working directory: from another working directory, the program would not find this file. */
function isOfFolder(importer: Importer, path: string, surroundings: ImportSurroundings): boolean {
  const elsewhere = { ...surroundings, cwd: join(surroundings.cwd, "elsewhere") };
  return !importer.places(elsewhere).includes(path);
}

function filesOf(importer: Importer, surroundings: ImportSurroundings): string[] {
  return [...new Set(importer.places(surroundings))].filter((path) => existsSync(path));
}

/**
 * Returns the importer that recognises the file by its name and keys. A file that only has `mcpServers` is read as a file of Claude Code.
 */
function ownerOf(text: ForeignText): Importer | undefined {
  const known = importers.find((importer) => importer.knows(text));
  return known ?? (text.tree.mcpServers === undefined ? undefined : claudeCode);
}
