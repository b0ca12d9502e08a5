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
  const sessions = program.command("sessions").description("conversations in the event log");

  sessions
    .command("list", { isDefault: true })
    .description("the latest first")
    .option("--all", "also those that single calls of OpenAI's API made, with a history that the caller keeps")
    .option("--limit <n>", "at most so many; 0 for all of them", wholeNumber, 50)
    .option("--json", "as JSON")
    .action(({ all, limit, json }: { all?: boolean; limit: number; json?: boolean }) =>
      withLog(async (conversations) => {
        const texts = await import("../../session/commands/conversation-text.js");
        const query = { most: limit === 0 ? everything : limit, includesSingleCalls: all };
        const { conversations: list, next } = await conversations.list(query);
        await printInert(json ? texts.conversationsJson(list) : texts.conversationsText(list));
        if (next !== undefined)
          process.stderr.write(`these are the latest ${limit}: --limit N shows more, --limit 0 all\n`);
      }),
    );
  sessions
    .command("show")
    .description("what happened in one, event by event; also what was taken back")
    .argument("<id>")
    .option("--from <seq>", "first event to show", positive)
    .option("--json", "all of every event, as JSON")
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
    .description("one as a file for somebody else, without what looks like a secret")
    .argument("<id>")
    .addOption(new Option("--format <format>", "of the file").choices([...exportFormats]).default("md"))
    .addOption(
      new Option("--as <what>", "a session file with its cassette, which does the conversation again")
        .choices(["session"])
        .conflicts("format"),
    )
    .option("-o, --output <path>", "file instead of stdout; with --as, the folder (default: this one)")
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
    .description("copy one, up to its last turn that has ended; prints the id of the copy")
    .argument("<id>")
    .option("--to <seq>", "only turns that had ended with this event", positive)
    .option("--id <id>", "of the copy")
    .action((id: string, { to: toSeq, id: to }: { to?: number; id?: string }) =>
      withLog(async (conversations) => print(await conversations.fork(id, { to, toSeq }))),
    );
  sessions
    .command("rewind")
    .description("take turns back: the conversation continues without them, the log keeps them")
    .argument("<id>")
    .addOption(new Option("--to <seq>", "turns that began after this event").argParser(position).conflicts("turns"))
    .option("--turns <n>", "this many, the latest ones (default: 1)", positive)
    .action((id: string, { to, turns = 1 }: { to?: number; turns?: number }) =>
      withLog(async (conversations) => {
        const { toSeq } = await conversations.rewind(id, to === undefined ? { turns } : { toSeq: to });
        print(`goes on after event ${toSeq}`);
      }),
    );
  sessions
    .command("delete")
    .description("for good; asks first on a terminal")
    .argument("[id...]")
    .option("--all", "every conversation; needs --yes")
    .option("--yes", "without asking")
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
    throw new RequestError("usage", "nobody can be asked here whether to delete", { hint: "add --yes" });
  }
  return isAgreed(unambiguous(`Delete ${ids.join(", ")} for good? y/n: `));
}

function position(text: string): number {
  return text === "0" ? 0 : positive(text);
}
