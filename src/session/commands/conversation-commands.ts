import { RequestError } from "../../core/errors.js";
import { withoutRewound } from "../../log/folds/rewind.js";
import { accountText, conversationAccount } from "../conversations/conversation-account.js";
import { historyText, lastCallText } from "../conversations/conversation-view.js";
import { type ExportFormat, exportFormats } from "../export/formats.js";
import { loadExport } from "../export/load-export.js";
import { conversationsText } from "./conversation-text.js";
import { type SlashCommand, textParameter } from "./slash-command.js";

export const conversationCommands: readonly SlashCommand[] = [
  {
    name: "clear",
    alias: "new",
    parameters: "",
    description: "start a new conversation; /new does the same",
    run: () => ({ type: "clear" }),
  },
  {
    name: "resume",
    parameters: "[ID]",
    argument: "conversation",
    description: "list the latest conversations, or continue one",
    run: async ([conversationId], { sessions }) => {
      if (conversationId === undefined) {
        const { conversations } = await sessions.conversations.list({ most: listed });
        return textParameter(conversationsText(conversations));
      }
      const known = (await sessions.history(conversationId)).length > 0;
      if (!known) throw new RequestError("not_found", `there is no conversation ${conversationId}`);
      return { type: "resume", conversationId };
    },
  },
  {
    name: "rename",
    parameters: "[TITLE]",
    description: "give this conversation a title; without one, it gets back the title that was made for it",
    run: async (words, { session, sessions }) => {
      const { title } = await sessions.conversations.label(session.id, { title: words.join(" ") || null });
      return textParameter(title ? `this conversation is called “${title}”` : "this conversation has no title");
    },
  },
  {
    name: "pin",
    parameters: "",
    description: "pin this conversation in lists, or take the pin away",
    run: async (_words, { session, sessions }) => {
      const { pinned } = await sessions.conversations.entry(session.id);
      await sessions.conversations.label(session.id, { pinned: !pinned });
      return textParameter(pinned ? "this conversation is not pinned any more" : "this conversation is pinned");
    },
  },
  {
    name: "history",
    parameters: "",
    description: "show this conversation so far",
    run: async (_words, { session }) => textParameter(historyText(withoutRewound(await session.history()))),
  },
  {
    name: "last",
    parameters: "",
    description: "show the last tool call with its whole arguments and result",
    run: async (_words, { session }) => textParameter(lastCallText(withoutRewound(await session.history()))),
  },
  {
    name: "cost",
    parameters: "",
    description: "show tokens and cost of this conversation so far",
    run: async (_words, { session }) => textParameter(accountText(conversationAccount(await session.history()))),
  },
  {
    name: "rewind",
    parameters: "[N]",
    description: "take the last turn back, or the last N",
    run: async ([count = "1"], { session, sessions }) => {
      const turns = /^[1-9]\d{0,8}$/.test(count) ? Number(count) : undefined;
      if (turns === undefined) throw new RequestError("usage", "usage: /rewind [N]");
      await sessions.conversations.rewind(session.id, { turns });
      return textParameter(historyText(withoutRewound(await session.history())));
    },
  },
  {
    name: "compact",
    parameters: "",
    description: "summarise the conversation so far, at the next message",
    run: (_words, { session }) => {
      session.compactNext();
      return textParameter("the next message is sent with a summary of what was said before");
    },
  },
  {
    name: "export",
    parameters: "[FILE]",
    argument: "file",
    description: "write this conversation to a new file: .md, .json or .html",
    run: async ([name], { session, sessions, secrets = [] }) => {
      const file = name ?? `${session.id.replace(/[^\w.-]/g, "_")}.md`;
      const { exportConversation } = await loadExport();
      const options = { format: formatOf(file), secrets };
      return { type: "save", file, pieces: exportConversation(sessions.conversations, session.id, options) };
    },
  },
];

const listed = 10;

function formatOf(file: string): ExportFormat {
  const format = exportFormats.find((known) => file.endsWith(`.${known}`));
  if (format) return format;
  throw new RequestError(
    "usage",
    `the name must end with one of ${exportFormats.map((known) => `.${known}`).join(", ")}`,
  );
}
