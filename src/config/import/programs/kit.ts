import { basename, join } from "node:path";
import { isPlainObject } from "../../../core/json.js";
import {
  allowed,
  commandLine,
  copiedText,
  copiedTexts,
  ofTexts,
  setAll,
  textMap,
  understood,
} from "../shared/entry-fields.js";
import { folderOf } from "../shared/foreign-text.js";
import type { Importer } from "../shared/importer.js";
import { converting, variable } from "../shared/placeholders.js";
import type { FieldImport } from "../shared/server-draft.js";

/** Matches a header line `Name: value`. A line that is only a placeholder does not match, because a name cannot contain `{`. */
const headerLine = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/s;

const headers = ofTexts((lines, draft, key) => {
  for (const line of lines) {
    const [, name, value = ""] = headerLine.exec(line) ?? [];
    if (name === undefined) draft.note(key, "has a line that is not `Name: value`, so it was left out");
    else setAll(draft, "headers", { [name]: draft.text(value, key) }, key);
  }
});

/** Translates the command. In Kit it is a list with the program and its arguments, in mcphost only the program. */
const command: FieldImport = (value, draft, key) =>
  Array.isArray(value) ? commandLine(value, draft, key) : copiedText("command")(value, draft, key);

const names = [".kit.yml", ".kit.yaml", ".kit.json", ".mcphost.yml", ".mcphost.yaml", ".mcphost.json"];

/** Importer for Kit and its predecessor mcphost. */
export const kit: Importer = {
  tool: "kit",
  title: "Kit",
  places: ({ home, cwd }) => [cwd, home].flatMap((folder) => names.map((name) => join(folder, name))),
  knows: ({ path, tree }) => names.includes(basename(path)) || usesItsKeys(tree.mcpServers),
  sections(file, { home }) {
    const folder = folderOf(file);
    return {
      sections: [
        {
          pointer: "/mcpServers",
          servers: file.tree.mcpServers,
          project: folder === home ? undefined : folder,
          convert: converting(/\$\{env:\/\/([A-Za-z_]\w*)(?::-([^}]{0,4000}))?\}/, variable),
          fields: {
            type: understood,
            transport: understood,
            command,
            args: copiedTexts("args"),
            environment: textMap("env"),
            env: textMap("env"),
            url: copiedText("url"),
            headers,
            allowedTools: allowed(),
          },
          skip: ({ type, transport }) =>
            [type, transport].some((kind) => kind === "builtin" || kind === "inprocess")
              ? "it is a part of Kit itself"
              : undefined,
          finish(draft, { type, transport }) {
            if (draft.entry.url === undefined) return;
            // A URL without a type means SSE, because mcphost treated it as SSE.
            const isHttp = type === "remote" || type === "streamable" || transport === "streamable";
            draft.entry.type = isHttp ? "http" : "sse";
          },
        },
      ],
    };
  },
};

function usesItsKeys(servers: unknown): boolean {
  return Object.values(isPlainObject(servers) ? servers : {}).some(
    (server) => isPlainObject(server) && (Array.isArray(server.command) || Array.isArray(server.headers)),
  );
}
