import { keepToken } from "../api/token.js";

/** Asks the user for the token. Shown if the tab was not opened by the link that `serve` prints. */
export function TokenForm() {
  const enter = (event: SubmitEvent) => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get("token");
    keepToken(String(token).trim(), window.sessionStorage);
    window.location.reload();
  };
  return (
    <section class="page">
      <h1>This host needs a token</h1>
      <p class="quiet">
        Open the link that <code>mcp-platform serve</code> prints in its terminal, or copy the token from the file that
        it names there. The token is kept until this tab is closed.
      </p>
      <form class="form" onSubmit={enter}>
        <div class="field">
          <label for="token">Token</label>
          <input id="token" name="token" type="password" required autocomplete="off" />
        </div>
        <div class="buttons">
          <button type="submit" class="main">
            Come in
          </button>
        </div>
      </form>
    </section>
  );
}
