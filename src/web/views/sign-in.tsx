import { useSignal } from "@preact/signals";
import { type Api, ApiFailure } from "../api/host-client.js";

/** Asks the user for the token. Shown if this browser is not signed in, or not any more. */
export function TokenForm({ api }: { api: Api }) {
  const problem = useSignal<string | undefined>(undefined);
  const enter = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get("token");
    try {
      await api.signIn(String(token).trim());
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      problem.value = error.status === 401 ? "This is not the token of this host." : error.message;
    }
  };
  return (
    <section class="page">
      <h1>Sign in</h1>
      <p class="quiet">
        This host needs a token. Open the link that <code>mcp-platform serve</code> prints in its terminal, or copy the
        token from the file that it names there. This browser then stays signed in, in all its tabs. What you have
        written is kept.
      </p>
      <form class="form" onSubmit={enter}>
        <div class="field">
          <label for="token">Token</label>
          <input id="token" name="token" type="password" required autocomplete="off" />
        </div>
        {problem.value && (
          <p class="small" role="alert">
            {problem.value}
          </p>
        )}
        <div class="buttons">
          <button type="submit" class="main">
            Sign in
          </button>
        </div>
      </form>
    </section>
  );
}
