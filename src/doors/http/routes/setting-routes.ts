import type { HostSettings, SettingValues } from "../../../core/server-settings.js";
import type { ApiRoute } from "../shared/api.js";
import {
  changedSettings,
  inJson,
  providerChoice,
  providerList,
  settingsBody,
  shownSettings,
  triedModel,
} from "../shared/api-schemas.js";
import { requireHere } from "./require-here.js";

const onlyHere =
  "a key goes to the configuration of the host's machine: open the page there, or set the key in the environment of the host";

/** Routes for the settings that a person chooses. */
export function settingRoutes(settings: HostSettings): ApiRoute[] {
  return [
    {
      method: "GET",
      path: "/api/settings",
      summary:
        "The settings that can be changed here, with the values that are in effect, and the file that changes go to",
      answer: inJson(shownSettings),
      run: () => Response.json({ ...settings.all(), editable: true }),
    },
    {
      method: "PATCH",
      path: "/api/settings",
      summary:
        "Checks settings, writes them to the configuration file and applies them. Null takes a setting out of the file",
      body: settingsBody,
      answer: inJson(changedSettings),
      async run({ body }) {
        const { values } = body as { values: SettingValues };
        const notices = await settings.change(values);
        return Response.json({ ...settings.all(), editable: true, notices });
      },
    },
    {
      method: "GET",
      path: "/api/settings/model",
      summary: "The providers that can be tried, those found on this machine first, for a caller on this machine",
      answer: inJson(providerList),
      async run(call) {
        requireHere(call, onlyHere);
        const offered = await settings.offeredProviders();
        const providers = offered.map(({ baseUrl: base_url, needsKey: needs_key, ...rest }) => ({
          ...rest,
          base_url,
          needs_key,
        }));
        return Response.json({ providers });
      },
    },
    {
      method: "POST",
      path: "/api/settings/model",
      summary:
        "Tries a provider, for a caller on this machine. If its model answers, writes it and the key to the configuration file and applies it",
      body: providerChoice,
      answer: inJson(triedModel),
      async run(call) {
        requireHere(call, onlyHere);
        // A form sends its empty fields too.
        const given = Object.entries(call.body as Record<string, string>).filter(([, value]) => value.trim() !== "");
        const { provider = "", base_url: baseUrl, api_key: apiKey, model } = Object.fromEntries(given);
        const { problem = null, models } = await settings.tryModel({ provider, baseUrl, apiKey, model }, call.gone);
        return Response.json({ problem, models });
      },
    },
  ];
}
