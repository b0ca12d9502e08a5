import { common, createLowlight } from "lowlight";
import type { ComponentChildren } from "preact";
import "./code-colours.css";

const lowlight = createLowlight(common);

/** Returns the code with elements that give it colours. Undefined if the language is not known. */
export function colouredCode(language: string, code: string): ComponentChildren {
  return lowlight.registered(language) ? lowlight.highlight(language, code).children.map(coloured) : undefined;
}

type Node = ReturnType<typeof lowlight.highlight>["children"][number];

function coloured(node: Node): ComponentChildren {
  if (node.type === "text") return node.value;
  if (node.type !== "element") return null;
  return <span class={[node.properties.className].flat().join(" ")}>{node.children.map(coloured)}</span>;
}
