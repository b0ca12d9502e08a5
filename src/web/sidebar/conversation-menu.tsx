import type { ConversationList } from "../api/conversation-list.js";
import type { Api } from "../api/host-client.js";
import type { ConversationEntry } from "../api/host-messages.js";
import { goTo, linkTo } from "../shared/page-address.js";
import { saveFile } from "../shared/save-file.js";

export const menuId = "conversation-menu";

const formats = { md: "Markdown", html: "a page", json: "JSON" };

interface ConversationMenuProps {
  api: Api;
  list: ConversationList;
  /** The conversation whose button opens the menu. */
  entry: ConversationEntry | undefined;
  onRename: (entry: ConversationEntry) => void;
  onDelete: (entry: ConversationEntry) => void;
}

/** Menu of a conversation. One menu serves all rows: the browser shows it at the button that opens it. */
export function ConversationMenu({ api, list, entry, onRename, onDelete }: ConversationMenuProps) {
  const close = () => document.getElementById(menuId)?.hidePopover();
  const id = entry?.conversation_id ?? "";
  const item = (label: string, work: (entry: ConversationEntry) => void, look?: string) => (
    <button
      type="button"
      class={look}
      onClick={() => {
        close();
        if (entry) work(entry);
      }}
    >
      {label}
    </button>
  );
  return (
    <div id={menuId} class="menu card" popover="auto">
      {item("Rename", onRename)}
      {item(entry?.pinned ? "Unpin" : "Pin", (each) => void list.change(each, { pinned: !each.pinned }))}
      {item("Fork", (each) => void list.act(each, "was not copied", async () => goTo("chat", await api.fork(id))))}
      <a class="button" href={linkTo("trace", id)} onClick={close}>
        Trace
      </a>
      {Object.entries(formats).map(([format, name]) =>
        item(`Export as ${name}`, (each) => {
          const exporting = async () => saveFile(`${id}.${format}`, await api.exported(id, format));
          void list.act(each, "was not exported", exporting);
        }),
      )}
      {item("Delete", onDelete, "no")}
    </div>
  );
}
