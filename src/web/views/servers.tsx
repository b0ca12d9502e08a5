import { useSignal } from "@preact/signals";
import type { Api } from "../api/host-client.js";
import type { ServerEntry, Tool } from "../api/host-messages.js";
import { useLoaded } from "../api/use-loaded.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { AddServer } from "../servers/add-server.js";
import { ServerCard } from "../servers/server-card.js";
import { counted, shownCount } from "../shared/format-text.js";
import { address, goTo } from "../shared/page-address.js";

const everyMs = 1_500;

interface Seen {
  servers: ServerEntry[];
  tools: Tool[];
}

export function ServersView({ api }: { api: Api }) {
  const seen = useLoaded<Seen>(async () => {
    const [servers, tools] = await Promise.all([api.servers(), api.tools()]);
    return { servers, tools };
  }, everyMs);
  const note = useSignal("");
  const { servers = [], tools = [] } = seen.value.value ?? {};
  const tokens = tools.reduce((sum, tool) => sum + tool.tokens, 0);
  const isAdding = address.value.conversationId === "add";
  const onChanged = async (notices: readonly string[]) => {
    note.value = notices.join(" ");
    await seen.reload();
  };
  return (
    <section class="page">
      <header class="title">
        <h1>Servers</h1>
        {tools.length > 0 && (
          <p class="quiet small">
            {counted(tools.length, "tool")}, about {shownCount(tokens)} tokens in every request
          </p>
        )}
        {!isAdding && (
          <button type="button" onClick={() => goTo("servers", "add")}>
            Add server
          </button>
        )}
      </header>
      {isAdding && <AddServer api={api} onAdded={onChanged} />}
      <p class="small" role="status">
        {visibleText(note.value)}
      </p>
      <Alert text={seen.failure.value} />
      {seen.value.value && servers.length === 0 && <p class="quiet">No servers yet.</p>}
      <ul class="plain-list">
        {servers.map((server) => (
          <li key={server.name}>
            <ServerCard
              server={server}
              tools={tools.filter((tool) => tool.server === server.name)}
              api={api}
              onChanged={onChanged}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
