import { useMemo } from "preact/hooks";
import { BlockSplitter } from "./blocks.js";
import { blockNodes } from "./nodes.js";
import { visible } from "./visible.js";

/** Shows a model's Markdown. While the text grows, only its last block is read again; complete blocks stay as they are in the page. */
export function Markdown({ text }: { text: string }) {
  const splitter = useMemo(() => new BlockSplitter(), []);
  const { closed, open } = splitter.split(visible(text));
  return (
    <div class="markdown">
      {(open.trim() ? [...closed, open] : closed).map((block, index) => (
        <Block key={index} text={block} />
      ))}
    </div>
  );
}

function Block({ text }: { text: string }) {
  return useMemo(() => <>{blockNodes(text)}</>, [text]);
}
