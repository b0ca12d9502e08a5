import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { elapsedText } from "../../core/text/durations.js";
import type { Api } from "../api/host-client.js";
import type { ServerEntry, Tool } from "../api/host-messages.js";
import { useAttempts } from "../api/use-loaded.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { counted, shownCount } from "../shared/format-text.js";
import { EntryForm } from "./entry-form.js";
import { Fold } from "./fold.js";
import { PromptsAndResources, Stderr } from "./server-offers.js";
import { type ChangeAnswer, serverPath } from "./server-path.js";
import { ToolList } from "./tool-list.js";

const eras = { legacy: "protocol up to 2025-11-25", modern: "protocol 2026-07-28" };

interface ServerCardProps {
  server: ServerEntry;
  tools: readonly Tool[];
  api: Api;
  /** Called with notices for the person after a change. */
  onChanged: (notices: readonly string[]) => Promise<void>;
}

export function ServerCard({ server, tools, api, onChanged }: ServerCardProps) {
  const { name, state, reason, transport, enabled, editable, entry, prompts, resources } = server;
  const loginPage = useSignal<string | null>(null);
  const isEditing = useSignal(false);
  const isSure = useSignal(false);
  const editButton = useRef<HTMLButtonElement>(null);
  const { failure, attempt } = useAttempts();
  const path = serverPath(name);
  const change = async (method: "PUT" | "PATCH" | "DELETE", body?: object) =>
    onChanged((await api.json<ChangeAnswer>(path, { method, body })).notices);
  const send = async (route: string) => {
    await api.response(`${path}/${route}`, { method: "POST" });
    await onChanged([]);
  };
  const logIn = async () => {
    loginPage.value = (await api.json<{ url: string | null }>(`${path}/login`, { method: "POST" })).url;
    if (loginPage.value === null) await onChanged([]);
    else window.open(loginPage.value, "_blank", "noopener");
  };
  const button = (label: string, work: () => Promise<void>, look?: string) => (
    <button type="button" class={look} onClick={() => void attempt(work)}>
      {label}
    </button>
  );
  const remove = async () => {
    await change("DELETE");
    document.getElementById("main")?.focus(); // the button had the focus
  };
  const edit = (isOpen: boolean) => {
    isEditing.value = isOpen;
    if (!isOpen) editButton.current?.focus(); // the form had the focus
  };
  return (
    <article class="card server" aria-label={visibleText(name)}>
      <header>
        <h2>{visibleText(name)}</h2>
        <span class={`state ${state}`}>{state.replace("_auth", " a login")}</span>
        <div class="buttons">
          {state === "needs_auth"
            ? button("Log in", logIn, "main")
            : server.can_log_out && button("Log out", () => send("logout"))}
          {enabled && button("Reconnect", () => send("reconnect"))}
          {editable && (
            <>
              {button(enabled ? "Switch off" : "Switch on", () => change("PATCH", { enabled: !enabled }))}
              <button
                type="button"
                ref={editButton}
                aria-expanded={isEditing.value}
                onClick={() => edit(!isEditing.value)}
              >
                Edit
              </button>
              <button
                type="button"
                class="no"
                onBlur={() => {
                  isSure.value = false;
                }}
                onClick={() => {
                  if (!isSure.value) isSure.value = true;
                  else void attempt(remove);
                }}
              >
                {isSure.value ? `Remove it from ${visibleText(server.source ?? "the configuration")}?` : "Remove"}
              </button>
            </>
          )}
        </div>
      </header>
      <p class="small quiet">{visibleText(factsOf(server).join(" · "))}</p>
      {state === "needs_auth" && loginPage.value && (
        <p>
          The login page is open in another tab. If it is not:{" "}
          <a href={loginPage.value} target="_blank" rel="noopener noreferrer">
            Open the page to log in
          </a>
        </p>
      )}
      {reason && <p class={`reason small ${state === "ready" ? "quiet" : "bad"}`}>{visibleText(reason)}</p>}
      <Alert text={failure.value} />
      {isEditing.value && entry && (
        <EntryForm
          entry={entry}
          submit="Save"
          onSave={async ({ entry: given }) => {
            await change("PUT", { entry: given });
            edit(false);
          }}
          onClose={() => edit(false)}
        />
      )}
      {tools.length > 0 && (
        <Fold
          summary={
            <>
              {counted(tools.length, "tool")}{" "}
              <span class="quiet small">about {shownCount(tokensOf(tools))} tokens</span>
            </>
          }
        >
          {() => <ToolList tools={tools} api={api} />}
        </Fold>
      )}
      {prompts + resources > 0 && (
        <Fold summary={`${counted(prompts, "prompt")}, ${counted(resources, "resource")}`}>
          {() => <PromptsAndResources server={name} api={api} />}
        </Fold>
      )}
      {transport === "stdio" && enabled && (
        <Fold summary="What it has written on stderr">{() => <Stderr server={name} api={api} />}</Fold>
      )}
    </article>
  );
}

function factsOf({ transport, version, era, start_ms, latency_ms, source, editable }: ServerEntry): string[] {
  return [
    transport,
    version && `version ${version}`,
    era && eras[era],
    start_ms !== null && `started in ${elapsedText(start_ms)}`,
    latency_ms !== null && `answers in ${elapsedText(latency_ms)}`,
    source && (editable ? source : `${source}, to be changed there`),
  ].filter((fact) => typeof fact === "string" && fact !== "") as string[];
}

function tokensOf(tools: readonly Tool[]): number {
  return tools.reduce((sum, tool) => sum + tool.tokens, 0);
}
