import type { HostSettings, SettingValues } from "../../../core/server-settings.js";
import type { ApiRoute } from "../shared/api.js";
import { changedSettings, inJson, settingsBody, shownSettings } from "../shared/api-schemas.js";

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
  ];
}
