/** Finds the configuration files of other programs on this machine, and reads them. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError, RequestError } from "../../core/errors.js";
import { displayName } from "../../core/source/source.js";
import { didYouMean } from "../../core/text/nearest.js";
import { type ImportedFile, importFile } from "./import-file.js";
import { type ImportSurroundings, isNamedLike, pathsOf } from "./program-paths.js";
import { foreignProgramOf, type Program, programs } from "./programs.js";
import { readForeign } from "./read-foreign.js";

/** A configuration file of another program: its content, or the reason why it cannot be read. */
export interface FoundFile {
  program: Program;
  path: string;
  imported: ImportedFile | { problem: string };
}

/** Reads the configuration files of all known programs that exist on this machine or in the working directory. */
export function findAll(surroundings: ImportSurroundings): FoundFile[] {
  return programs.flatMap((program) =>
    existing(program, surroundings).map((path): FoundFile => {
      try {
        return { program, path, imported: imported(program, path, surroundings) };
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return { program, path, imported: { problem: error.message } };
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
  const program = programs.find(({ tool }) => tool === from);
  if (program) {
    const paths = existing(program, surroundings);
    if (paths.length > 0) return paths.map((path) => imported(program, path, surroundings));
    const usual = pathsOf(program.paths, surroundings).map((path) => displayName(path, cwd));
    const message = `${program.title} has no configuration at its usual places: ${usual.join(", ")}`;
    throw new RequestError("not_found", message, { hint: "name the file: --from FILE" });
  }
  const path = resolve(cwd, from);
  if (!existsSync(path)) {
    const names = programs.map(({ tool }) => tool);
    const message = `${from} is neither a known program nor a file${didYouMean(from, names)}`;
    throw new RequestError("usage", message, { hint: `tools: ${names.join(", ")}` });
  }
  const foreign = readForeign(path, cwd);
  const owner = programs.find((each) => isNamedLike(each, path)) ?? foreignProgramOf(foreign.tree);
  if (owner) return [importFile(owner, foreign, surroundings)];
  throw new RequestError("usage", `${foreign.file} has no MCP servers in a shape that is known here`, {
    hint: "known are mcpServers, servers (VS Code), mcp_servers (Codex), mcp (opencode), extensions (goose), context_servers (Zed)",
  });
}

function existing({ paths }: Program, surroundings: ImportSurroundings): string[] {
  return pathsOf(paths, surroundings).filter((path) => existsSync(path));
}

/** Imports a file at one of the program's usual paths. It is of the folder if the program would not find it from another working directory. */
function imported(program: Program, path: string, surroundings: ImportSurroundings): ImportedFile {
  const file = importFile(program, readForeign(path, surroundings.cwd), surroundings);
  const elsewhere = pathsOf(program.paths, { ...surroundings, cwd: resolve(surroundings.cwd, "elsewhere") });
  return { ...file, isOfFolder: !elsewhere.includes(path) };
}
