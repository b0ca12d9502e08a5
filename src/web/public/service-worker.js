/**
 * Shows what to do when the host does not answer. It keeps no file of the page: what the host serves comes from the host, so that an update
 * shows at once.
 */
const style = "body { margin: 20vh auto; max-width: 34rem; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif }";
const script = "setInterval(() => fetch('/healthz').then(({ ok }) => ok && location.reload()).catch(() => {}), 2000)";

self.addEventListener("install", (event) => {
  // All other requests go past this worker: one that is sent while its page is closed may be lost on its way through a worker that starts.
  // A browser that cannot route them so gets no worker.
  const routes = event.addRoutes?.([
    { condition: { requestMode: "navigate" }, source: "fetch-event" },
    { condition: { urlPattern: new URLPattern({ pathname: "/*" }) }, source: "network" },
  ]);
  event.waitUntil(routes ?? Promise.reject(new Error("this browser cannot route requests past the worker")));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  // The browser asks the host while this worker starts.
  event.waitUntil(Promise.all([self.registration.navigationPreload?.enable(), self.clients.claim()]));
});

self.addEventListener("fetch", (event) => {
  if (event.request.mode !== "navigate") return;
  const answer = async () => (await event.preloadResponse) ?? fetch(event.request);
  event.respondWith(answer().catch(offlinePage));
});

async function offlinePage() {
  const { host, port } = self.location;
  const command = `mcp-platform serve${port && port !== "8642" ? ` --port ${port}` : ""}`;
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>No answer – MCP-Platform</title>
<style>${style}</style>
<main>
<h1>The host does not answer</h1>
<p>Nothing listens at <strong>${host}</strong>. Start the host there with <code>${command}</code>.</p>
<p>The page comes back by itself. Conversations are stored at the host, and nothing of them is lost.</p>
</main>
<script>${script}</script>`;
  const sources = `style-src ${await sourceOf(style)}; script-src ${await sourceOf(script)}; connect-src 'self'`;
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'none'; ${sources}`,
  };
  return new Response(page, { status: 503, headers });
}

/** Returns the text as a source of a content security policy. */
async function sourceOf(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}
