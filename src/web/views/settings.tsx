import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Api } from "../api/host-client.js";
import { Alert } from "../markdown/alert.js";
import { theme, themes } from "../shared/theme.js";
import { notifies } from "../sidebar/attention.js";
import { HostSettingsForm } from "./host-settings-form.js";
import { KeptApprovals } from "./kept-approvals.js";
import { StoredConversations } from "./stored-conversations.js";

export function SettingsView({ api }: { api: Api }) {
  const isSignedIn = useSignal(false);
  useEffect(() => {
    api.signInState().then(
      ({ signed_in, needs_token }) => {
        isSignedIn.value = signed_in && needs_token;
      },
      () => {},
    );
  }, [api]);
  return (
    <section class="page settings">
      <header class="title">
        <h1>Settings</h1>
        {isSignedIn.value && (
          <button type="button" onClick={() => void api.signOut()}>
            Sign out
          </button>
        )}
      </header>
      <HostSettingsForm api={api} />
      <KeptApprovals api={api} />
      <BrowserSettings />
      <StoredConversations api={api} />
    </section>
  );
}

/** Settings that this browser keeps. */
function BrowserSettings() {
  const problem = useSignal<string | undefined>(undefined);
  const chooseNotifications = async (wants: boolean) => {
    problem.value = undefined;
    const answer = wants && "Notification" in window ? await Notification.requestPermission() : "denied";
    notifies.value = answer === "granted" ? "on" : "off";
    if (wants && answer !== "granted") problem.value = "This browser does not allow notifications of this page.";
  };
  return (
    <section class="card form" aria-labelledby="browser-settings">
      <h2 id="browser-settings">This browser</h2>
      <label class="field">
        <span>Theme</span>
        <select
          value={theme.value}
          onChange={({ currentTarget }) => {
            theme.value = currentTarget.value as keyof typeof themes;
          }}
        >
          {Object.entries(themes).map(([value, name]) => (
            <option value={value}>{name}</option>
          ))}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={notifies.value === "on"}
          onChange={({ currentTarget }) => void chooseNotifications(currentTarget.checked)}
        />
        Notify me when a conversation waits for me
      </label>
      <Alert text={problem.value} />
    </section>
  );
}
