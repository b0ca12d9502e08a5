import { findSource, type GlobalOptions, load } from "../../src/cli/shared/configuration.js";
import { confirmed } from "../../src/cli/shared/confirmed.js";
import { Reload } from "../../src/cli/shared/reload.js";
import type { DoorParts } from "../../src/doors/shared/door.js";
import { ServerEntries } from "../../src/host/server-entries.js";
import { HostSettingValues } from "../../src/host/setting-values.js";
import { createLogins } from "../../src/host/user-state.js";
import { createApp } from "../../src/index.js";
import { openDoor } from "../doors/http/door.js";

/** Opens the network door of a host on its configuration files, as `serve` does, in this process. */
export async function serveFiles(flags: GlobalOptions, options: Parameters<typeof openDoor>[1] = {}) {
  const source = findSource(flags);
  const read = await load(flags, source);
  const loaded = await confirmed(read, flags, source);
  const app = await createApp({ config: loaded, observe: options.observe ?? (() => {}) });
  const files = new Reload({ flags, source, read, loaded, host: app });
  const serverSettings = new ServerEntries({ env: process.env, config: () => app.config, files });
  const settings = new HostSettingValues({ env: process.env, files, resolveModel: app.resolveModel });
  const login: DoorParts["login"] = async (name, showPage) =>
    (await createLogins(app.config.mcpServers, process.env, showPage)).login(name);
  const parts = { serverSettings, settings, login, reload: () => files.now() };
  const door = await openDoor(app, { ...options, parts });
  return {
    app,
    url: door.url,
    async [Symbol.asyncDispose]() {
      door.close();
      await app.close();
    },
  };
}
