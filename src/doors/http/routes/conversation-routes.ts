/** Routes for whole conversations: lists, titles, versions, exports and deletion. */

import type { ConversationLabel } from "../../../core/chat-store.js";
import { RequestError } from "../../../core/errors.js";
import { type ExportFormat, exportFormats } from "../../../session/export/formats.js";
import { loadExport } from "../../../session/export/load-export.js";
import { sessionEntry } from "../../protocol/session-entry.js";
import type { DoorParts } from "../../shared/door.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import * as schemas from "../shared/api-schemas.js";
import { streamed } from "../shared/streamed-text.js";
import { pageAnswer, pageIn, pageQuery } from "./list-page.js";

export function conversationRoutes(parts: DoorParts): ApiRoute[] {
  const { sessions } = parts;
  const { conversations } = sessions;
  return [
    {
      method: "GET",
      path: "/api/sessions",
      summary: "Conversations in the log, latest first",
      query: pageQuery,
      answer: { type: "application/json", schema: schemas.sessionList },
      run: async (call) => Response.json(pageAnswer(await sessions.list(pageIn(call)))),
    },
    {
      method: "PATCH",
      path: "/api/sessions/{id}",
      summary:
        "Sets the title and the pin of a conversation and its versions; a title that is null gives back the made one",
      body: schemas.labelBody,
      answer: { type: "application/json", schema: schemas.session },
      async run(call) {
        const entry = await conversations.label(call.path("id"), call.body as ConversationLabel);
        return Response.json(sessionEntry(entry));
      },
    },
    {
      method: "DELETE",
      path: "/api/sessions",
      summary: "Deletes all conversations for good, but those of which a turn runs or waits: busy names them",
      body: schemas.deleteAllBody,
      answer: { type: "application/json", schema: schemas.deletedAll },
      run: async () => Response.json(await deleteAll(parts)),
    },
    {
      method: "GET",
      path: "/api/export",
      summary: "All conversations without what looks like a secret, each as one line of JSON",
      run: () => exportEverything(parts),
    },
    {
      method: "DELETE",
      path: "/api/sessions/{id}",
      summary: "Deletes a conversation and its versions for good; refused while a turn of them runs or waits",
      async run(call) {
        await sessions.delete(call.path("id"));
        return new Response(null, { status: 204 });
      },
    },
    {
      method: "GET",
      path: "/api/sessions/{id}/versions",
      summary:
        "The versions of a conversation, itself included, in the order in which they were made. Each differs from this one after to_seq",
      answer: { type: "application/json", schema: schemas.versionList },
      async run(call) {
        const versions = await conversations.versions(call.path("id"));
        return Response.json({
          versions: versions.map(({ conversationId, toSeq, updatedAt, turnId = null }) => ({
            ...{ conversation_id: conversationId, to_seq: toSeq, updated_at: updatedAt, turn_id: turnId },
          })),
        });
      },
    },
    {
      method: "POST",
      path: "/api/sessions/{id}/fork",
      summary:
        "Copies a conversation up to its last turn that has ended, or up to the last turn that had ended by the event to_seq; 0 copies no turn. With is_version, lists show only the version that changed last",
      body: schemas.forkBody,
      async run(call) {
        const { to_seq, is_version } = call.body as { to_seq?: number | null; is_version?: boolean | null };
        const options = { toSeq: to_seq ?? undefined, isVersion: is_version ?? undefined };
        const id = await conversations.fork(call.path("id"), options);
        return Response.json({ conversation_id: id }, { status: 201 });
      },
    },
    {
      method: "POST",
      path: "/api/sessions/{id}/rewind",
      summary: "Takes back the turns that began after the event to_seq; refused while a turn runs or waits",
      body: schemas.rewindBody,
      async run(call) {
        await conversations.rewind(call.path("id"), { toSeq: (call.body as { to_seq: number }).to_seq });
        return new Response(null, { status: 204 });
      },
    },
    {
      method: "GET",
      path: "/api/sessions/{id}/export",
      summary: "A conversation as a file for somebody else, without what looks like a secret",
      query: { format: `${exportFormats.join(", ")}; default: md` },
      run: (call) => exportFile(parts, call),
    },
  ];
}

async function deleteAll({ sessions }: DoorParts): Promise<{ deleted: number; busy: string[] }> {
  const busy: string[] = [];
  const ids: string[] = [];
  let deleted = 0;
  for await (const id of sessions.conversations.ids()) ids.push(id);
  for (const id of ids) {
    try {
      await sessions.delete(id);
      deleted++;
    } catch (error) {
      // A version may be gone together with another one.
      if (!(error instanceof RequestError)) throw error;
      if (error.kind === "busy") busy.push(id);
      else if (error.kind !== "not_found") throw error;
      else deleted++;
    }
  }
  return { deleted, busy };
}

async function exportEverything({ sessions, secrets }: DoorParts): Promise<Response> {
  const { exportAll } = await loadExport();
  return streamed("application/x-ndjson; charset=utf-8", exportAll(sessions.conversations, secrets()), {
    "content-disposition": 'attachment; filename="conversations.jsonl"',
    "x-content-type-options": "nosniff",
  });
}

const exportTypes: Record<ExportFormat, string> = {
  md: "text/markdown; charset=utf-8",
  json: "application/json; charset=utf-8",
  html: "text/html; charset=utf-8",
};

async function exportFile({ sessions, secrets }: DoorParts, call: ApiCall): Promise<Response> {
  const wanted = call.query("format") ?? "md";
  const format = exportFormats.find((each) => each === wanted);
  if (!format) throw new ApiError(400, "invalid_format", `the formats are ${exportFormats.join(", ")}`, "format");
  const id = call.path("id");
  const { exportConversation } = await loadExport();
  return streamed(exportTypes[format], exportConversation(sessions.conversations, id, { format, secrets: secrets() }), {
    "content-disposition": `attachment; filename="${id.replaceAll(/[^\w.-]/g, "_")}.${format}"`,
    // Sandboxes the file if a browser opens it from this address. The file then has no access to this origin.
    "content-security-policy": "sandbox",
    "x-content-type-options": "nosniff",
  });
}
