/** `mcp-platform sessions …`: reads only the event log. It starts no server and asks no provider. */
import { type Command, Option } from "commander";
import type { LoadedConfig } from "../../config/reading/load.js";
import { RequestError } from "../../core/errors.js";
import type { StoredEvent } from "../../core/events.js";
import { writeWhole } from "../../core/files/whole-file.js";
import { unambiguous } from "../../core/text/inert.js";
import type { Conversations } from "../../session/conversations/conversations.js";
import { type ExportFormat, exportFormats } from "../../session/export/formats.js";
import type { GlobalOptions } from "../shared/configuration.js";
import { canAsk, isAgreed, loadConfirmed } from "../shared/confirmed.js";
import { positive, wholeNumber } from "../shared/flags.js";
import { print, printInert, printPieces } from "../shared/process.js";

/** A number of conversations that no log has. */
const everything = Number.MAX_SAFE_INTEGER - 1;

interface DeleteOptions {
  all?: boolean;
  yes?: boolean;
}

export function addConversationCommands(program: Command): void {
  const withLog = async (
    work: (conversations: Conversations, secrets: readonly string[], loaded: LoadedConfig) => Promise<void>,
  ) => {
    const { openConversations } = await import("../../host/log-only.js");
    const loaded = await loadConfirmed(program.opts<GlobalOptions>());
    const { conversations, secrets } = await openConversations(loaded.config, process.env);
    try {
      await work(conversations, secrets, loaded);
    } finally {
      await conversations.close();
    }
  };
  const sessions = program
    .command("sessions")
    .description("list, show, export, copy, take back and delete conversations");

  sessions
    .command("list", { isDefault: true })
    .description("list conversations, the latest first")
    .option("--all", "also list single API calls whose caller keeps the history, and earlier versions")
    .option("--limit <n>", "list at most this many; 0 lists all", wholeNumber, 50)
    .option("--json", "print JSON")
    .action(({ all, limit, json }: { all?: boolean; limit: number; json?: boolean }) =>
      withLog(async (conversations) => {
        const texts = await import("../../session/commands/conversation-text.js");
        const query = { most: limit === 0 ? everything : limit, includesHidden: all };
        const { conversations: list, next } = await conversations.list(query);
        await printInert(json ? texts.conversationsJson(list) : texts.conversationsText(list));
        if (next !== undefined)
          process.stderr.write(`these are the latest ${limit}: --limit N shows more, --limit 0 all\n`);
      }),
    );
  sessions
    .command("show")
    .description("show a conversation event by event, also the turns that were taken back")
    .argument("<id>")
    .option("--from <seq>", "first event to show", positive)
    .option("--json", "print each whole event as JSON")
    .action((id: string, { from, json }: { from?: number; json?: boolean }) =>
      withLog(async (conversations) => {
        const texts = await import("../../session/commands/conversation-text.js");
        const { toJson } = await import("../../session/export/export-json.js");
        const pages = conversations.pages(id, from);
        await printPieces(json ? toJson(id, eventsOf(pages)) : inertTexts(texts.eventsTexts(pages)));
      }),
    );
  sessions
    .command("export")
    .description("write a conversation to a file, without anything that looks like a secret")
    .argument("<id>")
    .addOption(new Option("--format <format>", "format of the file").choices([...exportFormats]).default("md"))
    .addOption(
      new Option("--as <what>", "write a session file with its cassette, which repeats the conversation")
        .choices(["session"])
        .conflicts("format"),
    )
    .option(
      "-o, --output <path>",
      "write to this file instead of stdout; with --as, into this folder (default: the working folder)",
    )
    .action((id: string, { format, as, output }: { format: ExportFormat; as?: "session"; output?: string }) =>
      withLog(async (conversations, secrets, loaded) => {
        if (as === "session") {
          const { exportSession } = await import("../../scripted/host/export-session.js");
          const parts = { loaded, env: process.env, secrets, folder: output ?? "." };
          const { files, notes } = await exportSession(id, await conversations.read(id), parts);
          for (const note of notes) process.stderr.write(unambiguous(`${note}\n`));
          print(files.join("\n"));
          return;
        }
        const { exportConversation } = await import("../../session/export/export.js");
        const pieces = exportConversation(conversations, id, { format, secrets });
        if (output === undefined) await printPieces(pieces);
        else await writeWhole(output, pieces);
      }),
    );
  sessions
    .command("fork")
    .description("copy a conversation up to its last turn that has ended, and print the id of the copy")
    .argument("<id>")
    .option("--to <seq>", "copy only turns that had ended by this event", positive)
    .option("--id <id>", "id of the copy")
    .action((id: string, { to: toSeq, id: to }: { to?: number; id?: string }) =>
      withLog(async (conversations) => print(await conversations.fork(id, { to, toSeq }))),
    );
  sessions
    .command("rewind")
    .description("take turns back: the conversation continues without them, and the log keeps them")
    .argument("<id>")
    .addOption(
      new Option("--to <seq>", "take back the turns that began after this event")
        .argParser(position)
        .conflicts("turns"),
    )
    .option("--turns <n>", "take back this many of the latest turns (default: 1)", positive)
    .action((id: string, { to, turns = 1 }: { to?: number; turns?: number }) =>
      withLog(async (conversations) => {
        const { toSeq } = await conversations.rewind(id, to === undefined ? { turns } : { toSeq: to });
        print(`goes on after event ${toSeq}`);
      }),
    );
  sessions
    .command("delete")
    .description("delete conversations for good; asks first on a terminal")
    .argument("[id...]")
    .option("--all", "delete all conversations; needs --yes")
    .option("--yes", "delete without asking")
    .action((ids: string[], options: DeleteOptions) =>
      withLog(async (conversations) => {
        const named = await namedOf(ids, options, conversations);
        if (!options.yes && !(await isDeletionAgreed(named))) return;
        for (const id of named) await conversations.delete(id);
        print(`${named.length} deleted`);
      }),
    );
}

async function* eventsOf(pages: AsyncIterable<readonly StoredEvent[]>): AsyncGenerator<StoredEvent> {
  for await (const events of pages) yield* events;
}

async function* inertTexts(texts: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const text of texts) yield unambiguous(text);
}

async function namedOf(ids: string[], { all, yes }: DeleteOptions, conversations: Conversations): Promise<string[]> {
  if (all && !yes) throw new RequestError("usage", "--all deletes every conversation", { hint: "say --all --yes" });
  if (all) {
    const known: string[] = [];
    for await (const id of conversations.ids()) known.push(id);
    return known;
  }
  if (ids.length > 0) return [...new Set(ids)];
  throw new RequestError("usage", "which conversation?", { hint: "mcp-platform sessions list shows all" });
}

async function isDeletionAgreed(ids: readonly string[]): Promise<boolean> {
  if (!canAsk()) {
    throw new RequestError("usage", "nothing was deleted, because nobody can be asked here", { hint: "add --yes" });
  }
  return isAgreed(unambiguous(`Delete ${ids.join(", ")} for good? y/n: `));
}

function position(text: string): number {
  return text === "0" ? 0 : positive(text);
}
