import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Api } from "../api/host-client.js";
import { type FoundServer, importServers, listFound, type NamedServer } from "../api/host-setup.js";
import { useAttempts, useLoaded } from "../api/use-loaded.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { goTo } from "../shared/page-address.js";
import { EntryForm } from "./entry-form.js";
import type { ChangeAnswer } from "./server-path.js";

interface AddServerProps {
  api: Api;
  /** Called with notices for the person after servers were added. */
  onAdded: (notices: readonly string[]) => Promise<void>;
}

/** Adds servers from a copied text, or from other programs of the host's machine. What will be written is shown first. */
export function AddServer({ api, onAdded }: AddServerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const read = useSignal<readonly NamedServer[]>([]);
  const { failure, attempt } = useAttempts();
  useEffect(() => field.current?.focus(), []);
  const close = () => goTo("servers");
  const drop = (server: NamedServer) => {
    read.value = read.value.filter((each) => each !== server);
    if (read.value.length > 0) return;
    close();
    document.getElementById("main")?.focus();
  };
  return (
    <section class="card server" aria-labelledby="add-server">
      <h2 id="add-server" tabIndex={-1}>
        Add a server
      </h2>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(async () => {
            const body = { text: field.current?.value };
            const answer = await api.json<{ servers: NamedServer[] }>("/api/servers/read", { method: "POST", body });
            read.value = answer.servers;
          });
        }}
      >
        <label class="field">
          <span>A command line, a URL or JSON, as the page of the server shows it</span>
          <textarea
            ref={field}
            class="json"
            rows={3}
            required
            spellcheck={false}
            placeholder="npx -y @modelcontextprotocol/server-filesystem ~/notes"
          />
        </label>
        <Alert text={failure.value} />
        <div class="buttons">
          <button type="submit" class={read.value.length === 0 ? "main" : undefined}>
            Read
          </button>
          <button type="button" onClick={close}>
            Close
          </button>
        </div>
      </form>
      {read.value.map((server) => (
        <EntryForm
          key={server}
          {...server}
          submit="Add server"
          onSave={async (body) => {
            const { notices } = await api.json<ChangeAnswer>("/api/servers", { method: "POST", body });
            drop(server);
            await onAdded(notices);
          }}
          onClose={() => drop(server)}
        />
      ))}
      <FoundServers api={api} onAdded={onAdded} />
    </section>
  );
}

/** The servers that other programs have and this host does not. */
function FoundServers({ api, onAdded }: AddServerProps) {
  const found = useLoaded(() => listFound(api));
  const servers = found.value.value ?? [];
  const take = async (server: FoundServer) => {
    document.getElementById("add-server")?.focus(); // the button goes with the server
    await found.act(async () => onAdded(await importServers(api, [server])));
  };
  return (
    <>
      {servers.length > 0 && <h3>Servers of other programs</h3>}
      <ul class="tools">
        {servers.map((server) => (
          <li key={`${server.program} ${server.name}`}>
            <p>
              {visibleText(server.name)} <span class="small quiet">{visibleText(originOf(server))}</span>
            </p>
            <p class="small">
              <code>{visibleText(JSON.stringify(server.entry))}</code> {visibleText(server.notes.join(" "))}
            </p>
            <div class="buttons">
              <button type="button" onClick={() => void take(server)}>
                Import {visibleText(server.name)}
              </button>
            </div>
          </li>
        ))}
      </ul>
      <Alert text={found.failure.value} />
    </>
  );
}

function originOf({ title, of_folder: isOfFolder }: FoundServer): string {
  return isOfFolder ? `${title}, in the folder of this host: anybody may have written it` : title;
}
