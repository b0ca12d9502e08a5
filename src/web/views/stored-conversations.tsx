import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Api } from "../api/host-client.js";
import { deleteEverything, exportEverything } from "../api/host-setup.js";
import { useAttempts } from "../api/use-loaded.js";
import { Alert } from "../markdown/alert.js";
import { counted } from "../shared/format-text.js";
import { goTo } from "../shared/page-address.js";
import { saveFile } from "../shared/save-file.js";

/** Exports all conversations, and deletes them once that is confirmed. */
export function StoredConversations({ api }: { api: Api }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const note = useSignal("");
  const { failure, attempt } = useAttempts();
  const deleteAll = () =>
    attempt(async () => {
      const busy = await deleteEverything(api);
      if (busy > 0) note.value = `${counted(busy, "conversation")} stayed: a turn has not ended.`;
      else goTo("chat");
    });
  return (
    <section class="card form" aria-labelledby="stored">
      <h2 id="stored">Stored conversations</h2>
      <div class="buttons">
        <button
          type="button"
          onClick={() => void attempt(async () => saveFile("conversations.jsonl", await exportEverything(api)))}
        >
          Export everything
        </button>
        <button type="button" class="no" onClick={() => dialog.current?.showModal()}>
          Delete everything…
        </button>
      </div>
      <p class="small quiet" role="status">
        {note.value}
      </p>
      <Alert text={failure.value} />
      <dialog
        ref={dialog}
        aria-labelledby="delete-all"
        onClose={({ currentTarget }) => {
          if (currentTarget.returnValue === "delete") void deleteAll();
          currentTarget.returnValue = "";
        }}
      >
        <form method="dialog">
          <h2 id="delete-all">Delete all conversations for good?</h2>
          <p class="quiet">Nobody can bring them back. Exported files stay.</p>
          <div class="buttons">
            <button type="submit" value="keep">
              Keep them
            </button>
            <button type="submit" value="delete" class="no">
              Delete everything
            </button>
          </div>
        </form>
      </dialog>
    </section>
  );
}
