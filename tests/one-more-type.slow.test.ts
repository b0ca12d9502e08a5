import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "@jest/globals";
import ts from "typescript";

/** Returns the files of this project in which the compiler finds errors once a line of a file is replaced. */
function filesWithErrors(project: string, file: string, [line, replacement]: readonly [string, string]): string[] {
  const { fileNames, options } = ts.getParsedCommandLineOfConfigFile(
    project,
    { noEmit: true, incremental: false },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
      },
    },
  ) as ts.ParsedCommandLine;
  const host = ts.createCompilerHost(options);
  const changed = join(process.cwd(), "src", file);
  const read = host.readFile;
  host.readFile = (name) => (name === changed ? readFileSync(name, "utf8").replace(line, replacement) : read(name));
  expect(host.readFile(changed)).toContain(replacement);
  const found = ts.createProgram(fileNames, options, host).getSemanticDiagnostics();
  const named = found.map((each) => relative(join(process.cwd(), "src"), each.file?.fileName ?? "?"));
  return [...new Set(named)].sort();
}

const anotherEvent = [
  "export type ChatEvent =\n",
  'export type ChatEvent =\n  | { type: "another"; turnId: string }\n',
] as const;

test("the compiler names the places of a new event", () => {
  expect(filesWithErrors("tsconfig.build.json", "core/events.ts", anotherEvent)).toEqual([
    "core/event-facts.ts",
    "doors/acp/session-updates.ts",
    "doors/protocol/chunk-schemas.ts",
    "doors/protocol/chunks.ts",
    "doors/terminal/turn-screen.ts",
    "log/folds/turn-records.ts",
    "scripted/assertions/turn-assertions.ts",
    "session/conversations/conversation-view.ts",
  ]);
});

test("the compiler names the places of a new event in the page", () => {
  const files = filesWithErrors("src/web/tsconfig.json", "core/events.ts", anotherEvent);
  expect(files.filter((file) => file.startsWith("web/"))).toEqual([
    "web/api/host-messages.ts",
    "web/chat/fold-conversation.ts",
  ]);
});

test("the compiler names the places of a new outcome of slash commands", () => {
  const anotherOutcome = [
    "export type CommandOutcome =\n",
    'export type CommandOutcome =\n  | { type: "another" }\n',
  ] as const;
  expect(filesWithErrors("tsconfig.build.json", "session/commands/slash-command.ts", anotherOutcome)).toEqual([
    "doors/acp/acp-session.ts",
    "doors/terminal/repl.ts",
  ]);
});
