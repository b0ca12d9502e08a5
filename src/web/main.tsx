import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/controls.css";
import "./styles/chat.css";
import "./styles/markdown.css";
import "./styles/lists.css";
import "./shared/theme.js";
import { render } from "preact";
import { Api } from "./api/host-client.js";
import { HostSocket } from "./api/socket.js";
import { recallLongTexts } from "./api/tab-texts.js";
import { takeToken } from "./api/token.js";
import { codeColours, mathsTypesetting } from "./markdown/on-demand.js";
import { Shell } from "./shell.js";

interface TrustedTypes {
  createPolicy(name: string, policy: { createScriptURL(): string }): { createScriptURL(address: string): string };
}

codeColours.comesFrom(() => import("./markdown/code-colours.js"));
mathsTypesetting.comesFrom(() => import("./markdown/typeset-maths.js"));

const api = new Api(window.location.origin);
const token = takeToken(window.location, window.history);
await Promise.all([api.begin(token), recallLongTexts()]);
const socket = new HostSocket(window.location.origin);
// After a sign-in, the host accepts the socket of this tab again.
api.isRefused.subscribe((isRefused) => isRefused || socket.connectNow());
// The page may already be open in the tab when the user opens the link of `serve`. Then only the part after # changes, and the browser does
// not load the page again. So the page reloads here, to read the token.
window.addEventListener("hashchange", () => {
  if (window.location.hash.startsWith("#token=")) window.location.reload();
});
// Without this, a file that is dropped beside the message field takes the place of the page.
for (const type of ["dragover", "drop"] as const) {
  window.addEventListener(type, (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
}
// Says what to do when the host does not answer. A browser has none on an insecure connection to another machine.
const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
const policy = trustedTypes?.createPolicy("service-worker", { createScriptURL: () => "/service-worker.js" });
navigator.serviceWorker?.register(policy?.createScriptURL("") ?? "/service-worker.js").catch(() => {});
const root = document.getElementById("app");
if (root) render(<Shell api={api} socket={socket} />, root);
