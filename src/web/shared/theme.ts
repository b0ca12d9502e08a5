import { effect } from "@preact/signals";
import { storedChoice } from "./stored-choice.js";

export const themes = { system: "As this device", light: "Light", dark: "Dark" };

export const theme = storedChoice("theme", ["system", "light", "dark"]);

effect(() => {
  document.documentElement.style.colorScheme = theme.value === "system" ? "" : theme.value;
});
