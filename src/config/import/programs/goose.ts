import { join } from "node:path";
import { isPlainObject, type JsonObject } from "../../../core/json.js";
import {
  allowed,
  copiedText,
  copiedTexts,
  dropped,
  droppedUnless,
  ofTexts,
  seconds,
  setAll,
  textMap,
  transport,
  understood,
} from "../shared/entry-fields.js";
import { configHome, roamingData } from "../shared/folders.js";
import type { Importer, ImportSurroundings } from "../shared/importer.js";
import { noPlaceholder, shell, variable } from "../shared/placeholders.js";

const own: Readonly<Record<string, string>> = {
  builtin: "it is a part of goose itself",
  platform: "it is a part of goose itself",
  frontend: "its tools are those of goose's own window",
  inline_python: "it is Python code that goose runs: save it as a server, and add that",
};

/** Translates a list of variable names. Goose keeps the values of these variables in the system's keyring. */
const keyring = ofTexts((names, draft, key) => {
  for (const name of names) {
    setAll(draft, "env", { [name]: variable(name).text }, key);
    draft.note(key, `${name} is in the keyring of goose: set the variable ${name}`);
  }
});

export const goose: Importer = {
  tool: "goose",
  title: "goose",
  places: (surroundings) => [join(gooseFolder(surroundings), "config.yaml")],
  rulePaths: (surroundings) => [join(gooseFolder(surroundings), "permission.yaml")],
  knows: ({ tree }) => isPlainObject(tree.extensions),
  sections: ({ tree }) => ({
    sections: [
      {
        pointer: "/extensions",
        servers: tree.extensions,
        convert: noPlaceholder,
        fields: {
          type: transport({ stdio: undefined, streamable_http: "http", sse: "sse" }),
          cmd: copiedText("command"),
          args: copiedTexts("args"),
          envs: understood,
          env_keys: understood,
          cwd: copiedText("cwd"),
          uri: copiedText("url"),
          headers: understood,
          timeout: seconds("timeout"),
          available_tools: allowed(),
          name: understood,
          description: understood,
          display_name: understood,
          bundled: droppedUnless(false, "says that goose brought it along"),
          socket: dropped("this host does not reach servers over a socket file"),
        },
        skip: ({ type }) => own[String(type)],
        finish(draft, raw) {
          if (draft.entry.url === undefined) {
            if (raw.envs) textMap("env")(raw.envs, draft, "envs");
            if (raw.env_keys) keyring(raw.env_keys, draft, "env_keys");
          } else if (isPlainObject(raw.headers)) {
            setAll(draft, "headers", headersOf(raw.headers, raw.envs), "headers");
          }
          for (const key of ["display_name", "description"]) {
            const words = raw[key];
            if (typeof words === "string" && words.trim() !== "") draft.remark(words.trim());
          }
        },
      },
    ],
    notes: tree.GOOSE_MODE === "chat" ? [{ key: "GOOSE_MODE", text: "chat: no tool ran there, and here they do" }] : [],
  }),
};

function gooseFolder(surroundings: ImportSurroundings): string {
  return surroundings.platform === "win32"
    ? join(roamingData(surroundings), "Block", "goose", "config")
    : join(configHome(surroundings), "goose");
}

/**
 * Replaces `$NAME` in the headers by the value of the variable NAME in the server's own `envs`. If `envs` does not have the variable,
 * `$NAME` becomes a placeholder.
 */
function headersOf(headers: JsonObject, envs: unknown): Record<string, string> {
  const known = isPlainObject(envs) ? envs : {};
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      shell(String(value)).text.replaceAll(/\$\{(\w+)\}/g, (placeholder, variableName: string) =>
        Object.hasOwn(known, variableName) ? noPlaceholder(String(known[variableName])).text : placeholder,
      ),
    ]),
  );
}
