import { effect, type Signal, signal } from "@preact/signals";

/** A choice of the person that this browser keeps. A value that is not one of the choices counts as the first of them. */
export function storedChoice<Choice extends string>(
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Signal<Choice> {
  const key = `mcp-platform-${name}`;
  const stored = choices.find((each) => each === localStorage.getItem(key));
  const choice = signal<Choice>(stored ?? choices[0]);
  effect(() => localStorage.setItem(key, choice.value));
  return choice;
}
