/**
 * Text and files of the user in this tab that the host does not have yet. They are kept when the view changes or the page is reloaded, but
 * not when the tab is closed.
 */

import type { AttachedFile } from "./attached-file.js";
import type { LastSeen } from "./host-messages.js";
import { store, stored } from "./tab-texts.js";

export interface UnsentMessage {
  requestId: string;
  text: string;
  files?: readonly AttachedFile[] | undefined;
  model?: string | undefined;
  /** Last event of the conversation that the page had when the message was written. Undefined if the conversation had not begun. */
  seen?: LastSeen | undefined;
}

const messagesKey = (conversationId: string) => `mcp-platform-unsent ${conversationId}`;
const draftKey = (conversationId: string | undefined) => `mcp-platform-draft ${conversationId ?? ""}`;
const filesKey = (conversationId: string | undefined) => `mcp-platform-files ${conversationId ?? ""}`;
const modelKey = (conversationId: string | undefined) => `mcp-platform-model ${conversationId ?? ""}`;
const formKey = (questionId: string) => `mcp-platform-form ${questionId}`;

export function unsentMessages(conversationId: string): UnsentMessage[] {
  return JSON.parse(stored(messagesKey(conversationId)) ?? "[]") as UnsentMessage[];
}

export function keepUnsent(conversationId: string, message: UnsentMessage): void {
  const others = unsentMessages(conversationId).filter(({ requestId }) => requestId !== message.requestId);
  void store(messagesKey(conversationId), JSON.stringify([...others, message]));
}

export function dropUnsent(conversationId: string, sentId: string): void {
  const rest = unsentMessages(conversationId).filter(({ requestId }) => requestId !== sentId);
  void store(messagesKey(conversationId), rest.length > 0 ? JSON.stringify(rest) : undefined);
}

/** Returns the draft of the conversation. Without an id, returns the draft of a conversation that has not begun yet. */
export function draftOf(conversationId: string | undefined): string {
  return stored(draftKey(conversationId)) ?? "";
}

export function keepDraft(conversationId: string | undefined, text: string): void {
  void store(draftKey(conversationId), text || undefined);
}

/** Returns the files of the draft. */
export function filesOf(conversationId: string | undefined): AttachedFile[] {
  return JSON.parse(stored(filesKey(conversationId)) ?? "[]") as AttachedFile[];
}

/** Resolves when the files survive a reload. */
export function keepFiles(conversationId: string | undefined, files: readonly AttachedFile[]): Promise<void> {
  return store(filesKey(conversationId), files.length > 0 ? JSON.stringify(files) : undefined);
}

/** Returns the model that was chosen for the next message: an empty text for the configured one, undefined if none was chosen. */
export function chosenModel(conversationId: string | undefined): string | undefined {
  return stored(modelKey(conversationId));
}

export function keepChosenModel(conversationId: string | undefined, model: string | undefined): void {
  void store(modelKey(conversationId), model);
}

/** Returns what was filled in the form of a question, as the entries of its form data. */
export function filledForm(questionId: string): [string, string][] {
  return JSON.parse(stored(formKey(questionId)) ?? "[]") as [string, string][];
}

export function keepForm(questionId: string, data: FormData | undefined): void {
  void store(formKey(questionId), data && JSON.stringify([...data]));
}
